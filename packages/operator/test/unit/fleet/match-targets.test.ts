import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  compileTargets,
  FleetIndex,
  type FleetCluster,
  type FleetGroup,
  type FleetTarget,
  type LabelSelector,
  type Labels,
} from "../../../src/fleet/index.ts";
import { clusterEntry, groupEntry } from "../../../src/fleet/fleet-index.ts";

const cluster = (name: string, labels: Labels = {}): FleetCluster => ({ name, labels });
const group = (name: string, labels: Labels = {}, selector?: LabelSelector): FleetGroup => ({ name, labels, selector });

function first(targets: readonly FleetTarget[], one: FleetCluster, groups: readonly FleetGroup[] = []) {
  const compiled = compileTargets(targets, "spec.targets");
  if (!compiled.ok) throw new Error(compiled.problems.join("; "));
  return compiled.match(one, groups);
}

describe("Fleet targets", () => {
  it.each<[string, FleetTarget, FleetCluster, readonly FleetGroup[], boolean]>([
    ["a target without criteria matches nothing", { name: "all" }, cluster("a"), [], false],
    ["clusterName matches the name", { clusterName: "a" }, cluster("a"), [], true],
    [
      "clusterName matches the display name",
      { clusterName: "Berlin" },
      cluster("c-1", { "management.cattle.io/cluster-display-name": "Berlin" }),
      [],
      true,
    ],
    ["an empty clusterName is no criterion", { clusterName: "" }, cluster("a"), [], false],
    ["an empty clusterSelector matches all", { clusterSelector: {} }, cluster("a"), [], true],
    ["a null clusterSelector is no criterion", { clusterSelector: null }, cluster("a"), [], false],
    [
      "criteria are ANDed",
      { clusterName: "a", clusterSelector: { matchLabels: { x: "1" } } },
      cluster("a", { x: "2" }),
      [],
      false,
    ],
    ["clusterGroup matches a group that has the cluster", { clusterGroup: "g" }, cluster("a"), [group("g")], true],
    ["clusterGroup does not match without it", { clusterGroup: "g" }, cluster("a"), [group("h")], false],
    ["any one group suffices", { clusterGroup: "g" }, cluster("a"), [group("h"), group("g")], true],
    [
      "the criteria of a target look at one and the same group",
      { clusterGroup: "g", clusterGroupSelector: { matchLabels: { x: "1" } } },
      cluster("a"),
      [group("g"), group("h", { x: "1" })],
      false,
    ],
    [
      "an empty clusterGroupSelector matches even without a group",
      { clusterGroupSelector: {} },
      cluster("a"),
      [],
      true,
    ],
    [
      "a clusterGroupSelector sees no labels without a group",
      { clusterGroupSelector: { matchLabels: { x: "1" } } },
      cluster("a", { x: "1" }),
      [],
      false,
    ],
    [
      "NotIn matches an absent label",
      { clusterSelector: { matchExpressions: [{ key: "x", operator: "NotIn", values: ["1"] }] } },
      cluster("a"),
      [],
      true,
    ],
  ])("%s", (_, target, one, groups, expected) => {
    expect(first([target], one, groups)).toBe(expected ? 0 : undefined);
  });

  it("lets the first target that matches win", () => {
    const targets: FleetTarget[] = [{ clusterName: "b" }, { clusterSelector: {} }, { clusterName: "a" }];
    expect(first(targets, cluster("a"))).toBe(1);
    expect(first([], cluster("a"))).toBeUndefined();
  });

  it("names an invalid selector with its place, whichever target would have won", () => {
    const bad: FleetTarget = { clusterSelector: { matchExpressions: [{ key: "x", operator: "In" }] } };
    const compiled = compileTargets([{ clusterName: "a" }, bad], "spec.targets");
    expect(compiled).toEqual({
      ok: false,
      problems: ["spec.targets[1].clusterSelector.matchExpressions[0]: In needs values"],
    });
  });

  it("looks at the clusters and groups of one namespace only", () => {
    const index = new FleetIndex();
    const object = (namespace: string, name: string, labels: Labels, selector?: object) => ({
      metadata: { name, namespace, labels, resourceVersion: "1" },
      spec: { selector },
    });
    for (const namespace of ["x", "y"]) {
      index.putCluster(clusterEntry(object(namespace, `${namespace}-1`, { rack: namespace }))!);
    }
    index.putGroup(groupEntry(object("x", "g", {}, { matchLabels: { rack: "x" } }))!);
    index.putGroup(groupEntry(object("y", "other", {}, {}))!);
    const compiled = compileTargets([{ clusterGroup: "g" }], "spec.targets");
    if (!compiled.ok) throw new Error("not compiled");
    expect([...index.chosen("x", compiled.match)]).toEqual(["x-1"]);
    expect([...index.chosen("y", compiled.match)]).toEqual([]);
    index.deleteGroup({ metadata: { namespace: "x", name: "g" } });
    expect([...index.chosen("x", compiled.match)]).toEqual([]);
  });
});

/** The rules once more, each a line of a table; written down apart from the code that is tried. */
interface Case {
  readonly target: FleetTarget;
  readonly cluster: FleetCluster;
  readonly group: { readonly name: string; readonly labels: Labels };
}
const EXPRESSION: Readonly<Record<string, (value: string | undefined, values: readonly string[]) => boolean>> = {
  In: (value, values) => value !== undefined && values.includes(value),
  NotIn: (value, values) => !(value !== undefined && values.includes(value)),
  Exists: (value) => value !== undefined,
  DoesNotExist: (value) => value === undefined,
};
function selects(selector: LabelSelector, labels: Labels): boolean {
  const pairs = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  const rest = (selector.matchExpressions ?? []).every((one) =>
    EXPRESSION[one.operator]!(labels[one.key], one.values ?? []),
  );
  return pairs && rest;
}
const RULES: readonly { readonly asked: (target: FleetTarget) => boolean; readonly holds: (one: Case) => boolean }[] = [
  {
    asked: (target) => Boolean(target.clusterName),
    holds: ({ target, cluster }) =>
      [cluster.name, cluster.labels["management.cattle.io/cluster-display-name"]].includes(target.clusterName),
  },
  {
    asked: (target) => Boolean(target.clusterSelector),
    holds: ({ target, cluster }) => selects(target.clusterSelector!, cluster.labels),
  },
  { asked: (target) => Boolean(target.clusterGroup), holds: ({ target, group }) => target.clusterGroup === group.name },
  {
    asked: (target) => Boolean(target.clusterGroupSelector),
    holds: ({ target, group }) => selects(target.clusterGroupSelector!, group.labels),
  },
];
function byRules(targets: readonly FleetTarget[], one: FleetCluster, groups: readonly FleetGroup[]) {
  for (const [index, target] of targets.entries()) {
    const asked = RULES.filter((rule) => rule.asked(target));
    for (const each of groups.length === 0 ? [{ name: "", labels: {} }] : groups) {
      const isChosen = asked.length > 0 && asked.every((rule) => rule.holds({ target, cluster: one, group: each }));
      if (isChosen) return index;
    }
  }
  return undefined;
}

const word = fc.constantFrom("a", "b", "c");
const labels = fc.dictionary(fc.constantFrom("x", "y", "management.cattle.io/cluster-display-name"), word, {
  maxKeys: 3,
});
const expression = fc.oneof(
  fc.record({
    key: fc.constantFrom("x", "y"),
    operator: fc.constantFrom("In", "NotIn"),
    values: fc.array(word, { minLength: 1, maxLength: 2 }),
  }),
  fc.record({ key: fc.constantFrom("x", "y"), operator: fc.constantFrom("Exists", "DoesNotExist") }),
);
const selector = fc.record(
  {
    matchLabels: fc.option(fc.dictionary(fc.constantFrom("x", "y"), word, { maxKeys: 2 })),
    matchExpressions: fc.option(fc.array(expression, { maxLength: 2 })),
  },
  { requiredKeys: [] },
);
const target = fc.record(
  {
    name: word,
    clusterName: fc.constantFrom("", "a", "b", "c"),
    clusterSelector: fc.option(selector),
    clusterGroup: fc.constantFrom("", "a", "b"),
    clusterGroupSelector: fc.option(selector),
  },
  { requiredKeys: [] },
);

describe("Fleet targets, any of them", () => {
  it("choose what the rules say", () => {
    fc.assert(
      fc.property(
        fc.array(target, { maxLength: 4 }),
        fc.record({ name: word, labels }),
        fc.array(fc.record({ name: word, labels, selector: fc.constant(undefined) }), { maxLength: 3 }),
        (targets, one, groups) => {
          expect(first(targets, one, groups)).toBe(byRules(targets, one, groups));
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
