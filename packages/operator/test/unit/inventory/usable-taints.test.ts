/** Taints of the original's objects that no node takes: the machine gets the others, and its status says which it does not get. */
import { expect, it } from "vitest";
import { inventoryAnswer } from "../../../src/inventory/index.ts";
import { inventoryEntry } from "../../../src/inventory/inventory-entry.ts";
import { readInventory, settleStatus } from "../../../src/inventory/io/inventory-store.ts";
import { machineScene } from "./machine-scene.ts";

const GOOD = { key: "dedicated", value: "edge", effect: "NoSchedule" };
const NOW_MS = Date.parse("2030-01-02T03:04:05Z");
const EFFECT = "has an effect that is none of NoSchedule, PreferNoSchedule and NoExecute";
const KEY = "has a key that is no label key";

async function answered(taints: unknown) {
  const { kubernetes } = machineScene(undefined, { config: { role: "agent", taints } });
  const inventory = await readInventory(kubernetes, "fleet-default", "m1");
  return inventoryAnswer(inventory?.spec.config, "t");
}

// Origin: what the original's CRD takes, whose fields are all texts that may be absent.
it.each<[string, unknown, string]>([
  ["no effect", { key: "k", value: "v" }, EFFECT],
  ["an empty effect", { key: "k", value: "", effect: "" }, EFFECT],
  ["an effect of null", { key: "k", value: null, effect: null }, EFFECT],
  ["an unknown effect", { key: "k", value: "v", effect: "Foo" }, EFFECT],
  ["no key", { effect: "NoSchedule" }, KEY],
  ["an empty key", { key: "", effect: "NoSchedule" }, KEY],
  ["a key that is none", { key: "a b", effect: "NoSchedule" }, KEY],
  ["a value that is no text", { key: "k", value: 7, effect: "NoSchedule" }, "/value must be string"],
  ["nothing in it", {}, EFFECT],
  ["null in its place", null, EFFECT],
])("a taint with %s is left out, and the status says so", async (_what, bad, why) => {
  expect(await answered([GOOD, bad])).toBe('{"role":"agent","taints":["dedicated=edge:NoSchedule"],"token":"t"}\n');
  const { kubernetes, entry, status } = machineScene(undefined, { config: { taints: [GOOD, bad] } });
  expect(entry()).toMatchObject({ needsWork: false, statusDue: "later" });
  expect(entry().isUnreadable).toBeUndefined();
  expect(await settleStatus(kubernetes, "fleet-default", "m1", () => NOW_MS)).toBe(true);
  expect(status()).toEqual({
    conditions: [
      {
        type: "TaintsLeftOut",
        status: "True",
        reason: "Unusable",
        message: `the machine does not get spec.config.taints[1], which ${why}: mend them, or take them out`,
        lastTransitionTime: "2030-01-02T03:04:05Z",
      },
    ],
  });
  expect(entry().statusDue).toBeUndefined();
  expect(await settleStatus(kubernetes, "fleet-default", "m1", () => NOW_MS)).toBe(false);
});

it("names some of many, and their number", async () => {
  const taints = Array.from({ length: 400 }, () => ({ key: "k" }));
  expect(await answered([...taints, GOOD])).toContain('"taints":["dedicated=edge:NoSchedule"]');
  const { kubernetes, status } = machineScene(undefined, { config: { taints } });
  await settleStatus(kubernetes, "fleet-default", "m1", () => NOW_MS);
  expect(JSON.stringify(status())).toMatch(/taints\[4\], which [^;]*; and 395 more: mend them/);
  expect(JSON.stringify(status())).not.toContain("taints[5]");
});

it("says that all are given where that was not so before, and nothing where it always was", async () => {
  const { kubernetes, entry, status } = machineScene(undefined, { config: { taints: [{ key: "k" }] } });
  await settleStatus(kubernetes, "fleet-default", "m1", () => NOW_MS);
  await kubernetes.send({ method: "PATCH", path: "", body: { spec: { config: { taints: [GOOD] } } } });
  expect(entry().statusDue).toBe("later");
  await settleStatus(kubernetes, "fleet-default", "m1", () => NOW_MS + 1_000);
  expect(status()).toMatchObject({
    conditions: [
      { type: "TaintsLeftOut", status: "False", reason: "AllGiven", lastTransitionTime: "2030-01-02T03:04:06Z" },
    ],
  });
  expect(entry().statusDue).toBeUndefined();
  for (const config of [{ taints: [GOOD] }, { taints: [] }, { taints: null }, {}, null]) {
    const untouched = machineScene(undefined, { config });
    expect(await settleStatus(untouched.kubernetes, "fleet-default", "m1", () => NOW_MS)).toBe(false);
  }
});

it("leaves nothing else of the spec out", () => {
  const metadata = { name: "m1", namespace: "fleet-default", uid: "u1", resourceVersion: "1" };
  for (const config of [{ taints: "k:NoSchedule" }, { taints: [{}], labels: { rack: 7 } }]) {
    expect(inventoryEntry({ metadata, spec: { config } })?.isUnreadable).toBe(true);
  }
});
