import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MachineInventory } from "@rancheros/protocol/resources";
import { dueStatus, statusUrgency } from "../../../src/inventory/due-status.ts";

const NOW_MS = Date.parse("2026-01-01T00:00:00Z");

function inventory(made: {
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
  readonly approval?: string;
  readonly status?: object;
  readonly deletionTimestamp?: string;
}): MachineInventory {
  const { labels = {}, annotations = {}, approval, status, deletionTimestamp } = made;
  return {
    metadata: {
      name: "m",
      namespace: "n",
      uid: "u",
      resourceVersion: "1",
      creationTimestamp: "2025-12-31T23:59:00Z",
      labels,
      annotations,
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    },
    spec: { tpm: "ab".repeat(32), ...(approval === undefined ? {} : { approval }) },
    ...(status === undefined ? {} : { status }),
  };
}

const legacy = (trust: string, approval?: string) =>
  inventory({
    labels: { "rancheros.cattle.io/trust": trust },
    annotations: { "rancheros.cattle.io/protocol": "1", "rancheros.cattle.io/ek-certificate": "cd".repeat(32) },
    ...(approval === undefined ? {} : { approval }),
  });

/** What a merge patch of the status makes of it. */
function merged(object: MachineInventory, status: Readonly<Record<string, unknown>>): MachineInventory {
  return { ...object, status: { ...object.status, ...status } };
}

describe("dueStatus", () => {
  it("says what a visit by rancherd's protocol proved and left unsaid", () => {
    expect(dueStatus(legacy("virtual"), NOW_MS)).toEqual({
      attestation: {
        class: "virtual",
        protocol: 1,
        time: "2025-12-31T23:59:00Z",
        certificateSha256: "cd".repeat(32),
      },
      conditions: [
        {
          type: "Attested",
          status: "True",
          reason: "Virtual",
          message: expect.any(String) as string,
          lastTransitionTime: "2026-01-01T00:00:00Z",
        },
        expect.objectContaining({ type: "Approved", status: "True", reason: "Approved" }),
      ],
    });
  });

  it("never overwrites what was proved", () => {
    const status = { attestation: { class: "none", protocol: 2 }, conditions: [] };
    const proved = inventory({ labels: { "rancheros.cattle.io/trust": "hardware" }, status });
    const due = dueStatus(proved, NOW_MS);
    expect(due).not.toHaveProperty("attestation");
    expect(due?.["conditions"]).toEqual([expect.objectContaining({ type: "Approved" })]);
  });

  it("has nothing for a machine that is only expected, or that is being deleted", () => {
    expect(dueStatus(inventory({}), NOW_MS)).toBeUndefined();
    const gone = inventory({ approval: "Pending", deletionTimestamp: "2026-01-01T00:00:00Z" });
    expect(dueStatus(gone, NOW_MS)).toBeUndefined();
  });

  it("is prompt where the status says another approval than the spec, and has time otherwise", () => {
    expect(statusUrgency(legacy("none"))).toBe("later");
    const waiting = legacy("none", "Pending");
    const shown = merged(waiting, dueStatus(waiting, NOW_MS) ?? {});
    expect(statusUrgency(shown)).toBeUndefined();
    expect(statusUrgency({ ...shown, spec: { ...shown.spec, approval: "Approved" } })).toBe("prompt");
  });

  it("has nothing more to write once it is written, whatever the object says", () => {
    const word = fc.constantFrom("hardware", "virtual", "none", "gold", "");
    const approval = fc.constantFrom(undefined, "", "Approved", "Pending", "Denied", "Maybe");
    const protocol = fc.constantFrom("1", "2", "x", "");
    const later = fc.integer({ min: 0, max: 10 ** 12 });
    fc.assert(
      fc.property(word, approval, protocol, later, (trust, wanted, version, moreMs) => {
        const object = inventory({
          labels: { "rancheros.cattle.io/trust": trust },
          annotations: { "rancheros.cattle.io/protocol": version },
          ...(wanted === undefined ? {} : { approval: wanted }),
        });
        const first = dueStatus(object, NOW_MS);
        const after = merged(object, first ?? {});
        expect(dueStatus(after, NOW_MS + moreMs)).toBeUndefined();
        expect(statusUrgency(after)).toBeUndefined();
      }),
    );
  });
});
