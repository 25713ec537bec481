import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HeldOnce } from "../../../src/inventory/held-once.ts";
import { inventoryEntry, type InventoryEntry } from "../../../src/inventory/inventory-entry.ts";

const text = fc.constantFrom("a", "b", "c".repeat(40));
const optional = fc.option(text, { nil: undefined });
const phase = fc.constantFrom("Draining", "Succeeded", "nonsense");

const object = fc.record({
  metadata: fc.record({
    name: fc.constant("m"),
    namespace: fc.constant("n"),
    uid: fc.constantFrom("u1", "u2"),
    resourceVersion: fc.nat(9).map(String),
    creationTimestamp: optional,
    labels: fc.dictionary(text, text),
    annotations: fc.dictionary(
      fc.constantFrom("rancheros.cattle.io/retry-upgrade", "rancheros.cattle.io/protocol"),
      text,
    ),
  }),
  spec: fc.record({ tpmHash: optional, clusterName: optional, machineTokenSecretName: optional, approval: optional }),
  status: fc.record({
    lastSeen: fc.constantFrom("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
    attestation: fc.record({ challenge: optional }),
    node: fc.record({ name: optional, labels: fc.dictionary(text, text) }),
    os: fc.record({ image: optional }),
    upgrade: fc.option(
      fc.record({ image: optional, plan: optional, attempt: fc.nat(3), phase, digest: optional, reason: optional }),
      { nil: undefined },
    ),
  }),
});

function entryOf(one: unknown): InventoryEntry {
  const entry = inventoryEntry(one);
  if (entry === undefined) throw new TypeError("no entry");
  return entry;
}

describe("HeldOnce", () => {
  it("says of a machine what was seen, whatever was known of it and of others", () => {
    fc.assert(
      fc.property(fc.array(object, { minLength: 1, maxLength: 20 }), (objects) => {
        const held = new HeldOnce();
        let before: InventoryEntry | undefined;
        for (const one of objects) {
          const seen = entryOf(one);
          const isSame = before?.metadata.uid === seen.metadata.uid;
          const entry = held.entry(seen, before);
          expect(entry).toStrictEqual({ ...seen, firstRevision: isSame ? before?.firstRevision : seen.firstRevision });
          before = entry;
        }
      }),
    );
  });

  it("keeps the labels that are there while they are the same", () => {
    const version = (revision: string, zone: string): InventoryEntry =>
      entryOf({
        metadata: { name: "m", namespace: "n", uid: "u", resourceVersion: revision, labels: { zone } },
        spec: {},
      });
    const held = new HeldOnce();
    const first = held.entry(version("1", "east"), undefined);
    const second = held.entry(version("2", "east"), first);
    expect(second.rollout.labels).toBe(first.rollout.labels);
    expect(second.metadata.resourceVersion).toBe("2");
    expect(held.entry(version("3", "west"), second).rollout.labels).toEqual({ zone: "west" });
  });
});
