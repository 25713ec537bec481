/** What people wrote in rancherd's file means the same to rancherd after a registration's answer has been put beside it. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { parseGoYaml } from "../../../src/rancherd/go-yaml.ts";
import { joinConfig } from "../../../src/rancherd/join-config.ts";

const ANSWER = { server: "https://a", token: "tpm://" };

/** Plain scalars that YAML 1.1 and 1.2 tell apart, and such as a writer may write otherwise. */
const SCALARS = [
  ..."yes no off On y 0644 1_000 010 0b11 0o17 0x1F -0644 +1 08 12:30:45 2001-01-01 1e3 1E+2 1. .5 1_0.5".split(" "),
  ...`9007199254740993 ~ Null "yes" '010' tpm://`.split(" "),
  "!!str 12",
  "!!int 0b1",
  "a b",
  '"a\\n b"',
];

describe("characters that yaml.v2 takes for control characters or line ends", () => {
  const TEXTS = ["a\u007fb", "\u0085", "a\u009f\nb\n", "\ufeffa", "a\u2028b", "a\u2029", "\uffff", "\u0007\u007f"];

  it.each(TEXTS)("are spelled where a registration says them: %j", (text) => {
    const written = joinConfig(undefined, { nodeName: text, extraConfig: { [text]: [text] } }, {});
    expect(written.text).not.toMatch(/[^\P{Cc}\n]|[\u2028\u2029\ufeff\uffff]/u);
    expect(parseGoYaml(written.text)).toEqual({ nodeName: text, extraConfig: { [text]: [text] } });
  });

  it.each([
    ["role: a\u007fb\n", "line 1"],
    ["a: b\n# \u0080\n", "line 2"],
    ["a: b\ufeff\n", "line 1"],
  ])("are refused with their place in a file that rancherd cannot read: %j", (text, place) => {
    expect(() => parseGoYaml(text)).toThrow(/a control character/);
    expect(() => parseGoYaml(text)).toThrow(place);
  });

  it("are none where a byte order mark begins the file", () => {
    expect(parseGoYaml("\ufeffa: b\n")).toEqual({ a: "b" });
  });
});

describe("what people wrote in rancherd's file", () => {
  it("keeps its words, as rancherd reads YAML 1.1", () => {
    const values = "rancherValues: {a: yes, b: no, c: off, d: 0644, e: 1_000, m: 010, u: 0b11, s: 0o17}";
    const { text } = joinConfig(`${values}\n`, ANSWER, {});
    for (const words of ["a: yes", "b: no", "c: off", "d: 0644", "e: 1_000", "m: 010", "u: 0b11", "s: 0o17"]) {
      expect(text).toContain(words);
    }
    const rancherValues = { a: true, b: false, c: false, d: 420, e: 1000, m: 8, u: 3, s: 15 };
    expect(parseGoYaml(text)).toEqual({ rancherValues, ...ANSWER });
  });

  it("keeps what a merge brings", () => {
    const { text } = joinConfig("base: &b {x: 1}\nrancherValues:\n  <<: *b\n  z: 2\n", ANSWER, {});
    expect(text).toContain("<<: *b");
    expect(parseGoYaml(text)).toEqual({ base: { x: 1 }, rancherValues: { x: 1, z: 2 }, ...ANSWER });
  });

  it.each([
    ["base: &b\n  role: agent # mine\n  mode: 0644\nrancherd: *b\n", "rancherd"],
    ["base: &b {role: agent, mode: 0644}\nrancherd: *b\n", "rancherd"],
    ["base: &b {role: agent, mode: 0644, inner: &i {x: yes}, again: *i}\nrancherd: *b\nother: *i\n", "rancherd"],
    ["base: &b {role: agent}\nrancherd: &r\n  <<: *b\n  mode: 0644\nother: *r\n", "rancherd"],
  ])("stays in what an alias stands for, and in what the alias is of: %j", (theirs, name) => {
    const before = parseGoYaml(theirs) as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    const { text, kept } = joinConfig(theirs, { ...ANSWER, role: "server" }, {});
    expect(kept).toEqual(["role"]);
    expect(parseGoYaml(text)).toEqual({ ...before, [name]: { ...before[name], ...ANSWER } });
    expect(text).not.toContain("420");
  });

  it.each(["extraConfig: *b\n", "extraConfig: &e\n  <<: *b\n", "top: {<<: *b}\nextraConfig: *b\n"])(
    "stays in extraConfig where the registration's goes beside it: %j",
    (theirs) => {
      const answer = { extraConfig: { x: { p: 2, q: 1 }, z: 3 } };
      const { text, kept } = joinConfig(`base: &b {x: {p: 0b1}, y: yes}\n${theirs}`, answer, {});
      expect(kept).toEqual(["extraConfig.x.p"]);
      expect(parseGoYaml(text)).toMatchObject({
        base: { x: { p: 1 }, true: true },
        extraConfig: { x: { p: 1, q: 1 }, true: true, z: 3 },
      });
    },
  );

  it.each([
    ["token: &t by-ros-agent\nrancherValues:\n  same: *t\n", { token: "another" }, { same: "by-ros-agent" }],
    ["token: &t by-ros-agent\nrancherValues:\n  same: *t\n", {}, { same: "by-ros-agent" }],
    [
      "token: by-ros-agent\nextraConfig: &e {a: yes}\nrancherValues: {<<: *e}\n",
      { extraConfig: { b: 1 } },
      { a: true },
    ],
  ])("is not changed through an anchor by what the registration changes: %j", (theirs, answer, rancherValues) => {
    const { record } = joinConfig(undefined, { token: "by-ros-agent" }, {});
    expect(parseGoYaml(joinConfig(theirs, answer, record).text)).toMatchObject({ rancherValues });
  });

  it("means the same afterwards, whatever it is", () => {
    fc.assert(
      fc.property(configs(), (theirs) => {
        const before = parseGoYaml(theirs);
        const { text } = joinConfig(theirs, { server: "s" }, {});
        expect(parseGoYaml(text)).toEqual({ ...(before as object), server: "s" });
      }),
      { numRuns: 300 },
    );
  });
});

/** Texts of configurations with anchors, aliases and merges, in block and in flow style. */
function configs(): fc.Arbitrary<string> {
  const scalar = fc.constantFrom(...SCALARS);
  const key = fc.constantFrom("a", "b", "no", "010", "0x1F", '"yes"', "1.5", "k");
  const flow = fc
    .uniqueArray(fc.tuple(key, scalar), { selector: ([name]) => name, minLength: 1, maxLength: 4 })
    .map((pairs) => `{${pairs.map(([name, value]) => `${name}: ${value}`).join(", ")}}`);
  const list = fc.array(fc.oneof(scalar, flow), { maxLength: 3 }).map((items) => `[${items.join(", ")}]`);
  const block = fc
    .uniqueArray(fc.tuple(key, fc.oneof(scalar, flow, list)), {
      selector: ([name]) => name,
      minLength: 1,
      maxLength: 3,
    })
    .map((pairs) => pairs.map(([name, value]) => `\n  ${name}: ${value} # kept`).join(""));
  const use = fc.constantFrom("\n  <<: *base\n  z: 1", "\n  z: 1\n  <<: *base", "\n  <<: [*base, {q: yes}]", " *base");
  return fc
    .record({
      head: fc.constantFrom("", "---\n", "# theirs\n", "--- # theirs\n", "# a\n--- # b\n"),
      base: flow,
      values: fc.array(fc.oneof(scalar, flow, list, block, use), { maxLength: 4 }),
      end: fc.constantFrom("", "# end\n", "...\n"),
    })
    .map(({ head, base, values, end }) => {
      const lines = values.map((value, index) => `key${index}:${value.startsWith("\n") ? "" : " "}${value}\n`);
      return `${head}base: &base ${base}\n${lines.join("")}${end}`;
    });
}
