/** What of Fleet's objects is news for those who choose clusters: they write into their statuses all the time. */
import { expect, it } from "vitest";
import { clusterEntry, FleetIndex, groupEntry } from "../../../src/fleet/fleet-index.ts";
import { compileTargets, type FleetTarget } from "../../../src/fleet/match-targets.ts";

function object(labels: Readonly<Record<string, string>>, resourceVersion: string, selector?: object): object {
  return { metadata: { name: "one", namespace: "n", labels, resourceVersion }, spec: { selector }, status: {} };
}

it("is another label or selector, and no other change", () => {
  const index = new FleetIndex();
  const cluster = (labels: Readonly<Record<string, string>>, version: string) => {
    const entry = clusterEntry(object(labels, version));
    return entry !== undefined && index.putCluster(entry);
  };
  const group = (selector: object, version: string) => {
    const entry = groupEntry(object({}, version, selector));
    return entry !== undefined && index.putGroup(entry);
  };
  expect([cluster({ a: "1" }, "1"), cluster({ a: "1" }, "2"), cluster({ a: "2" }, "3")]).toEqual([true, false, true]);
  const selects = (a: string) => ({ matchLabels: { a } });
  expect([group(selects("1"), "1"), group(selects("1"), "2"), group(selects("2"), "3")]).toEqual([true, false, true]);
  index.deleteCluster({ metadata: { name: "one", namespace: "n" } });
  expect(cluster({ a: "2" }, "4")).toBe(true);
});

it("reads a label of a group's selector that has no value as an empty one, and not as none", () => {
  const index = new FleetIndex();
  const group = groupEntry(object({}, "1", { matchLabels: { edge: null } }));
  if (group !== undefined) index.putGroup(group);
  for (const [name, labels] of Object.entries({ edge: { edge: "" }, core: {}, other: { edge: "1" } })) {
    const cluster = clusterEntry({ metadata: { name, namespace: "n", labels } });
    if (cluster !== undefined) index.putCluster(cluster);
  }
  const compiled = compileTargets([{ clusterGroup: "one" }], "targets");
  expect(compiled.ok && index.chosen("n", compiled.match)).toEqual(new Set(["edge"]));
});

it("says which groups without a selector leave it open what some targets choose", () => {
  const index = new FleetIndex();
  const put = (name: string, selector: object, uid = "u", generation?: number): boolean => {
    const metadata = { name, namespace: "n", uid, labels: { name }, resourceVersion: "1", generation };
    const entry = groupEntry({ metadata, spec: { selector } });
    return entry !== undefined && index.putGroup(entry);
  };
  const cluster = clusterEntry({ metadata: { name: "c", namespace: "n", labels: { a: "1" } } });
  const unclear = (target: FleetTarget) => {
    const compiled = compileTargets([target], "targets");
    if (!compiled.ok) throw new Error(compiled.problems.join("; "));
    return index.unclear("n", compiled.match);
  };
  const bad = { matchExpressions: [{ key: "a", operator: "In" }] };
  const problems = ["ClusterGroup n/g: spec.selector.matchExpressions[0]: In needs values"];
  put("g", bad);
  expect(unclear({ clusterGroup: "g" })).toBeUndefined();
  if (cluster !== undefined) index.putCluster(cluster);
  expect(unclear({ clusterGroup: "g" })).toEqual({ problems, isKnown: false });
  // Whether a cluster is in any group may be what counts.
  const noName = { clusterGroupSelector: { matchExpressions: [{ key: "name", operator: "DoesNotExist" }] } };
  expect(unclear(noName)).toEqual({ problems, isKnown: false });
  for (const target of [{ clusterName: "c" }, { clusterName: "d" }, { clusterGroup: "h" }, {}]) {
    expect(unclear(target)).toBeUndefined();
  }
  expect(index.groupProblems("n", "g")).toEqual(problems);
  put("g", {});
  expect(unclear({ clusterGroup: "g" })).toBeUndefined();
  put("g", bad);
  expect(unclear({ clusterGroup: "g" })).toEqual({ problems, isKnown: true });
  put("g", bad, "another");
  expect(unclear({ clusterGroup: "g" })).toEqual({ problems, isKnown: false });
  put("g", {}, "g", 3);
  put("g", bad, "g", 4);
  expect(put("g", bad, "g", 4)).toBe(false);
  expect(unclear({ clusterGroup: "g" })).toEqual({ problems, isKnown: true });
  // What it chose in between was missed.
  expect(put("g", bad, "g", 6)).toBe(true);
  expect(unclear({ clusterGroup: "g" })).toEqual({ problems, isKnown: false });
  // Where another group has it already, nothing depends on this one.
  put("h", {});
  expect(unclear({ clusterGroupSelector: {} })).toBeUndefined();
});
