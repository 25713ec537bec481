/** Writing rancherd's file: what people have written stays, what a registration has written is kept up to date. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { parseGoYaml } from "../../../src/rancherd/go-yaml.ts";
import { joinConfig, readJoinRecord } from "../../../src/rancherd/join-config.ts";

const ANSWER = { server: "https://a", token: "tpm://", labels: ["a=b"], extraConfig: { x: { y: 1 } } };

describe("a registration's answer in rancherd's file", () => {
  it("is all of a file that was not there, and written again it changes nothing", () => {
    const first = joinConfig(undefined, ANSWER, {});
    expect(parseGoYaml(first.text)).toEqual(ANSWER);
    const again = joinConfig(first.text, ANSWER, readJoinRecord(JSON.stringify(first.record)));
    expect(again).toEqual({ text: first.text, isChanged: false, record: first.record, kept: [] });
  });

  it("leaves what people have written, their comments and their order", () => {
    const theirs = "# mine\nrole: agent # a worker\nserver: https://mine\nlabels:\n- c=d # hand\n";
    const { text, kept } = joinConfig(theirs, { ...ANSWER, role: "server" }, {});
    expect(kept).toEqual(["server", "role"]);
    expect(parseGoYaml(text)).toEqual({
      role: "agent",
      server: "https://mine",
      labels: ["c=d", "a=b"],
      token: "tpm://",
      extraConfig: { x: { y: 1 } },
    });
    expect(text).toContain("# mine");
    expect(text).toContain("# a worker");
  });

  it("replaces and takes back what it has written itself, and nothing that was changed since", () => {
    const first = joinConfig("role: agent\n", ANSWER, {});
    const edited = first.text.replace("tpm://", "by-hand");
    const second = joinConfig(edited, { server: "https://b", labels: ["e=f"], token: "tpm://" }, first.record);
    expect(parseGoYaml(second.text)).toEqual({
      role: "agent",
      server: "https://b",
      token: "by-hand",
      labels: ["e=f"],
      extraConfig: { x: {} },
    });
    expect(second.kept).toEqual(["token"]);
  });

  it("goes into the map rancherd of a file that has one, as rancherd reads no other", () => {
    const { text } = joinConfig("hostname: x\nrancherd:\n  role: agent\n", { token: "t" }, {});
    expect(parseGoYaml(text)).toEqual({ hostname: "x", rancherd: { role: "agent", token: "t" } });
  });

  it("is quoted where readers of YAML 1.1 would take it for something else", () => {
    const answer = { token: "yes", nodeName: "0755", role: "1e3" };
    expect(parseGoYaml(joinConfig(undefined, answer, {}).text)).toEqual(answer);
  });

  it.each(["- a\n", "a: [\n", "text\n", "a: 1\n---\nb: 2\n"])(
    "is not put into a file that is none of rancherd's: %j",
    (text) => {
      expect(() => joinConfig(text, ANSWER, {})).toThrow(
        expect.objectContaining({ code: "RANCHERD_CONFIG_UNREADABLE" }),
      );
    },
  );

  it.each([
    "# Ansible managed\n---\nrole: server\ntoken: mine\n",
    "\n---\nrole: server\n",
    "---\n---\nrole: server\n",
    "role: server\n---\nrole: agent\n",
  ])("is not put into a file of which rancherd reads a part only, and the error says which: %j", (text) => {
    expect(() => joinConfig(text, ANSWER, {})).toThrow(
      expect.objectContaining({
        code: "RANCHERD_CONFIG_UNREADABLE",
        message: expect.stringContaining(
          "reads its configuration no further than line 2, a line of --- only",
        ) as unknown,
      }),
    );
  });

  it.each([
    "---\n",
    "null\n",
    "~\n",
    "---\n# role: server\n",
    "# role: server\n",
    "# role: server\n---\n",
    "--- # mine\n",
  ])("is all that rancherd reads of a file that says nothing, and its comments stay: %j", (theirs) => {
    const first = joinConfig(theirs, ANSWER, {});
    expect(parseGoYaml(first.text)).toEqual(ANSWER);
    for (const comment of theirs.match(/#.*/g) ?? []) expect(first.text).toContain(comment);
    expect(joinConfig(first.text, ANSWER, first.record)).toMatchObject({ text: first.text, isChanged: false });
  });

  it("is there afterwards, whatever was there before, and a second time changes nothing", () => {
    const scalar = fc.oneof(
      fc.constantFrom("a", "yes", "0x1", "", "#", "a: b", "- x", "~"),
      fc.integer(),
      fc.boolean(),
    );
    const key = fc.constantFrom("role", "server", "labels", "extraConfig");
    const inner = fc.dictionary(fc.constantFrom("p", "q"), scalar, { minKeys: 1 });
    const values = fc.dictionary(key, fc.oneof(scalar, fc.array(scalar, { minLength: 1 }), inner));
    fc.assert(
      fc.property(values, values, (before, answer) => {
        const started = joinConfig(undefined, before, {});
        const joined = joinConfig(started.text, answer, {});
        const again = joinConfig(joined.text, answer, joined.record);
        expect(again.text).toBe(joined.text);
        expect(again.isChanged).toBe(false);
        const merged = parseGoYaml(joined.text);
        for (const [name, value] of Object.entries(answer)) {
          if (!(name in before)) expect(merged).toHaveProperty([name], value);
        }
      }),
    );
  });

  it("follows a registration that gives a value of another kind, as its own from before is nobody's wish", () => {
    const values = [{ zone: "z1" }, ["zone=z1"], "zone=z1", { zone: { a: ["x"] } }, [], {}, ["b=c", "d=e"]];
    for (const before of values) {
      for (const labels of values.filter((one) => one !== before)) {
        const first = joinConfig("role: agent\n", { labels: before }, {});
        const second = joinConfig(first.text, { labels }, first.record);
        const third = joinConfig(second.text, { labels }, second.record);
        expect.soft(parseGoYaml(second.text), `${JSON.stringify(before)} ${second.text}`).toMatchObject({ labels });
        expect.soft(second.kept).toEqual([]);
        expect.soft(third.isChanged).toBe(false);
        expect.soft(third.record).toEqual(second.record);
      }
    }
  });

  it("leaves a value of another kind in which somebody has written", () => {
    const first = joinConfig(undefined, { labels: { zone: "z1" } }, {});
    const edited = `${first.text}  mine: true\n`;
    const { text, kept } = joinConfig(edited, { labels: ["zone=z1"] }, first.record);
    expect(parseGoYaml(text)).toMatchObject({ labels: { mine: true } });
    expect(kept).toEqual(["labels"]);
  });

  it("comes into its own again where the version before has left an empty map in its place", () => {
    const { text, kept } = joinConfig("labels: {}\n", { labels: ["zone=z1"] }, {});
    expect(parseGoYaml(text)).toEqual({ labels: ["zone=z1"] });
    expect(kept).toEqual([]);
  });
});
