/** What of Fleet's objects is news for those who choose clusters: they write into their statuses all the time. */
import { expect, it } from "vitest";
import { clusterEntry, FleetIndex, groupEntry } from "../../../src/fleet/fleet-index.ts";

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
