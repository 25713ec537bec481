import { describe, expect, it } from "vitest";
import { REGISTRATION_LABEL } from "@rancheros/protocol/resources";
import { inventoryEntry, type InventoryEntry } from "../../../src/inventory/inventory-entry.ts";
import { InventoryIndex } from "../../../src/inventory/inventory-index.ts";
import { cacertsKeyId } from "../../../src/rancherd/index.ts";

const EK = "ab".repeat(32);

function entry(name: string, uid: string, spec: object, revision = "1"): InventoryEntry {
  const made = inventoryEntry({ metadata: { name, namespace: "n", uid, resourceVersion: revision }, spec });
  if (made === undefined) throw new TypeError("no entry");
  return made;
}

describe("InventoryIndex", () => {
  it("knows an object that was deleted and made again, unseen, as one", () => {
    const index = new InventoryIndex();
    index.put(entry("m", "first", { tpm: EK }, "5"));
    index.put(entry("m", "second", { tpm: EK }, "9"));
    expect(index.withEndorsementKey(EK).map((one) => [one.metadata.uid, one.firstRevision])).toEqual([["second", 9]]);
    index.delete({ metadata: { name: "m", namespace: "n" } });
    expect(index.withEndorsementKey(EK)).toEqual([]);
    expect(index.size).toBe(0);
  });

  it("remembers when an object was first seen, through its changes", () => {
    const index = new InventoryIndex();
    index.put(entry("m", "u", { tpm: EK }, "5"));
    index.put(entry("m", "u", { tpmHash: EK }, "9"));
    expect(index.withEndorsementKey(EK).map((one) => one.firstRevision)).toEqual([5]);
  });

  it("forgets a key that an object has no more", () => {
    const index = new InventoryIndex();
    index.put(entry("m", "u", { tpm: EK, machineTokenSecretName: "s" }));
    index.put(entry("m", "u", { tpm: "cd".repeat(32) }));
    expect(index.withEndorsementKey(EK)).toEqual([]);
    expect(index.withTokenSecret("n", "s")).toEqual([]);
  });

  it("knows all machines of one registration, each once, as they change, go, and come through another", () => {
    const index = new InventoryIndex();
    const through = (name: string, registration: string, revision: string): InventoryEntry => {
      const labels = { [REGISTRATION_LABEL]: registration };
      const metadata = { name, namespace: "n", uid: `uid-${name}`, resourceVersion: revision, labels };
      const made = inventoryEntry({ metadata, spec: {} });
      if (made === undefined) throw new TypeError("no entry");
      return made;
    };
    const there = (registration: string) =>
      index
        .withRegistration("n", registration)
        .map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`)
        .toSorted();
    for (const name of ["a", "b", "c"]) index.put(through(name, "all", "1"));
    index.put(through("b", "all", "2"));
    expect(there("all")).toEqual(["a 1", "b 2", "c 1"]);
    index.put(through("c", "others", "3"));
    index.delete({ metadata: { name: "a", namespace: "n" } });
    expect([there("all"), there("others")]).toEqual([["b 2"], ["c 3"]]);
    index.delete({ metadata: { name: "b", namespace: "n" } });
    expect([there("all"), [...index.all()].length, index.size]).toEqual([[], 1, 1]);
  });

  it("finds a machine by the hash of its endorsement key's hash, while it has that key", () => {
    const index = new InventoryIndex();
    index.put(entry("m", "u", { tpm: EK }));
    index.put(entry("m2", "u2", { tpm: EK }));
    index.delete({ metadata: { name: "m", namespace: "n" } });
    expect(index.withCacertsKeyId(cacertsKeyId(EK)).map(({ metadata }) => metadata.name)).toEqual(["m2"]);
    index.put(entry("m2", "u2", { tpm: "cd".repeat(32) }, "2"));
    expect(index.withCacertsKeyId(cacertsKeyId(EK))).toEqual([]);
    expect(index.withCacertsKeyId(cacertsKeyId("cd".repeat(32)))).toHaveLength(1);
  });

  it("tells of two machines with one key, the oldest first", () => {
    const index = new InventoryIndex();
    for (const [name, time] of [
      ["b", "2026-01-02T00:00:00Z"],
      ["a", "2026-01-01T00:00:00Z"],
    ] as const) {
      const metadata = { name, namespace: "n", uid: name, resourceVersion: "1", creationTimestamp: time };
      const made = inventoryEntry({ metadata, spec: { tpm: EK } });
      if (made !== undefined) index.put(made);
    }
    expect(index.withEndorsementKey(EK).map((one) => one.metadata.name)).toEqual(["a", "b"]);
  });

  it("is asked in vain for an object that does not come", async () => {
    const index = new InventoryIndex();
    const waited = entry("m", "u", { tpm: EK });
    expect(await index.shown(waited, 10)).toBe(false);
    const shown = index.shown(waited, 10_000);
    index.put(waited);
    expect(await shown).toBe(true);
  });

  const made = (name: string, day: number, more: object = {}, status: object = {}): InventoryEntry => {
    const creationTimestamp = `2026-01-0${day}T00:00:00Z`;
    const labels = { [REGISTRATION_LABEL]: "door" };
    const metadata = { name, namespace: "n", uid: `uid-${name}`, resourceVersion: `${day}`, creationTimestamp, labels };
    const one = inventoryEntry({ metadata, spec: { tpm: EK, ...more }, status });
    if (one === undefined) throw new TypeError("no entry");
    return one;
  };
  const upgrading = { upgrade: { image: "os", plan: "p", attempt: 1, phase: "Draining" } };

  it("counts a machine once, as its first inventory says, whatever comes, changes and goes", () => {
    const index = new InventoryIndex();
    index.put(made("second", 2, { approval: "Pending" }));
    index.put(made("third", 3, {}, upgrading));
    expect(index.counts()).toEqual([{ approval: "Pending", phase: "Idle", count: 1 }]);
    expect([index.size, index.pendingCount, index.upgradingCount]).toEqual([2, 1, 0]);
    index.put(made("first", 1, {}, upgrading));
    expect(index.counts()).toEqual([{ approval: "Approved", phase: "Draining", count: 1 }]);
    index.put(made("second", 2, { approval: "Denied" }));
    expect([index.pendingCount, index.upgradingCount]).toEqual([0, 1]);
    index.put(made("first", 1, { tpm: undefined }, upgrading));
    expect(index.counts()).toEqual([
      { approval: "Approved", phase: "Draining", count: 1 },
      { approval: "Denied", phase: "Idle", count: 1 },
    ]);
    index.delete({ metadata: { name: "second", namespace: "n" } });
    expect(index.upgradingCount).toBe(2);
    for (const name of ["first", "third"]) index.delete({ metadata: { name, namespace: "n" } });
    expect([index.counts(), index.upgradingCount]).toEqual([[], 0]);
  });

  it("counts machines without an endorsement key, each by itself", () => {
    const index = new InventoryIndex();
    for (const name of ["a", "b"]) index.put(made(name, 1, { tpm: undefined }));
    index.put(made("b", 1, { tpm: undefined, approval: "Denied" }));
    expect(index.counts()).toEqual([
      { approval: "Approved", phase: "Idle", count: 1 },
      { approval: "Denied", phase: "Idle", count: 1 },
    ]);
  });

  it("lets an inventory take no place of its registration once its status says that the machine is another one's", () => {
    const index = new InventoryIndex();
    const there = () => index.countedThrough("n", "door").map(({ metadata }) => metadata.name);
    const said = { conditions: [{ type: "Duplicate", status: "True", reason: "MadeLater", message: "a sentence" }] };
    index.put(made("first", 1));
    index.put(made("second", 2));
    // Whoever made one of them may be about to take it back, and then the other one is not to have lost its place.
    expect(there()).toEqual(["first", "second"]);
    index.put(made("second", 2, {}, said));
    expect(there()).toEqual(["first"]);
    index.delete({ metadata: { name: "first", namespace: "n" } });
    expect(there()).toEqual(["second"]);
  });
});
