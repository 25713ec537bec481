import { describe, expect, it } from "vitest";
import { inventoryEntry, InventoryIndex, type InventoryEntry } from "../../../src/inventory/inventory-index.ts";

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
});
