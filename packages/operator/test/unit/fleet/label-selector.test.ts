import { describe, expect, it } from "vitest";
import { compileSelector, type Labels, type LabelSelector } from "../../../src/fleet/index.ts";

function matches(selector: LabelSelector, labels: Labels): boolean {
  const compiled = compileSelector(selector, "selector");
  if (!compiled.ok) throw new Error(compiled.problems.join("; "));
  return compiled.matches(labels);
}

function problems(selector: LabelSelector): readonly string[] {
  const compiled = compileSelector(selector, "selector");
  return compiled.ok ? [] : compiled.problems;
}

const one = (key: string, operator: string, values?: string[]): LabelSelector => ({
  matchExpressions: [{ key, operator, ...(values === undefined ? {} : { values }) }],
});

describe("label selectors", () => {
  it.each<[string, LabelSelector, Labels, boolean]>([
    ["an empty selector matches everything", {}, { a: "1" }, true],
    ["null parts match everything", { matchLabels: null, matchExpressions: null }, {}, true],
    ["matchLabels needs the very value", { matchLabels: { a: "1" } }, { a: "2" }, false],
    ["matchLabels needs the key", { matchLabels: { a: "" } }, {}, false],
    ["a value of null is an empty one", { matchLabels: { a: null } }, { a: "" }, true],
    ["a value of null needs the key", { matchLabels: { a: null } }, {}, false],
    ["a value of null is no other value", { matchLabels: { a: null } }, { a: "1" }, false],
    ["an empty value is a value", { matchLabels: { a: "" } }, { a: "" }, true],
    ["In takes any of its values", one("a", "In", ["1", "2"]), { a: "2" }, true],
    ["In does not match an absent label", one("a", "In", ["1"]), {}, false],
    ["NotIn matches an absent label", one("a", "NotIn", ["1"]), {}, true],
    ["NotIn refuses its values", one("a", "NotIn", ["1"]), { a: "1" }, false],
    ["Exists needs the key only", one("a", "Exists"), { a: "" }, true],
    ["DoesNotExist matches an absent label", one("a", "DoesNotExist"), {}, true],
    ["DoesNotExist refuses a present one", one("a", "DoesNotExist", []), { a: "" }, false],
    ["all requirements must hold", { matchLabels: { a: "1" }, ...one("b", "Exists") }, { a: "1" }, false],
    ["what every object has is no label", one("constructor", "Exists"), {}, false],
  ])("%s", (_, selector, labels, expected) => {
    expect(matches(selector, labels)).toBe(expected);
  });

  it.each<[string, LabelSelector, string]>([
    ["an operator that is none", one("a", "Near", ["1"]), '"Near" is none of In, NotIn, Exists and DoesNotExist'],
    ["In without values", one("a", "In"), "In needs values"],
    ["NotIn with an empty list", one("a", "NotIn", []), "NotIn needs values"],
    ["Exists with values", one("a", "Exists", ["1"]), "Exists takes no values"],
    ["a key with a space", one("a b", "Exists"), '"a b" is no label key'],
    ["a key with an empty prefix", one("/a", "Exists"), '"/a" is no label key'],
    ["a key with a name of 64 characters", one("a".repeat(64), "Exists"), "is no label key"],
    ["a key with two slashes", one("a/b/c", "Exists"), "is no label key"],
    ["a value with a space", { matchLabels: { a: "x y" } }, '"x y" is no label value'],
    ["a value of 64 characters", one("a", "In", ["x".repeat(64)]), "is no label value"],
  ])("names %s", (_, selector, sentence) => {
    const found = problems(selector);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain("selector.match");
    expect(found[0]).toContain(sentence);
  });

  it("names every bad part at once, with its place", () => {
    const found = problems({
      matchLabels: { "a b": "x" },
      matchExpressions: [
        { key: "a", operator: "Exists" },
        { key: "b", operator: "In" },
      ],
    });
    expect(found).toEqual([
      'selector.matchLabels: "a b" is no label key',
      "selector.matchExpressions[1]: In needs values",
    ]);
  });
});
