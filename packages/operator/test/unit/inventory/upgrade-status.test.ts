import { RETRY_UPGRADE_ANNOTATION, type MachineInventory } from "@rancheros/protocol/resources";
import type { UpgradeStatus } from "@rancheros/protocol/upgrade";
import { describe, expect, it } from "vitest";
import { inventoryEntry } from "../../../src/inventory/inventory-entry.ts";
import { nodeStatus } from "../../../src/inventory/node-status.ts";
import { rolloutFacts } from "../../../src/inventory/rollout-facts.ts";
import { passingPhaseHoldMs, upgradeStatus, wordUrgency } from "../../../src/inventory/upgrade-status.ts";

const NOW = Date.parse("2026-11-25T12:00:00Z");
const HEARD_EVERY_MS = 600_000;
const WORD: UpgradeStatus = {
  protocol: 2,
  plan: "cd".repeat(32),
  image: "default-os-image",
  attempt: 3,
  phase: "Staging",
  digest: `sha256:${"ab".repeat(32)}`,
  reason: undefined,
  message: undefined,
  bootId: "b1",
};

function inventory(upgrade?: Readonly<Record<string, unknown>>): MachineInventory {
  const metadata = { name: "m1", namespace: "fleet-default", uid: "u1", resourceVersion: "1" };
  return { metadata, spec: {}, ...(upgrade === undefined ? {} : { status: { upgrade } }) };
}

/** What the API server makes of a merge patch of the upgrade. */
function after(found: MachineInventory, change: Readonly<Record<string, unknown>> | undefined): MachineInventory {
  const patch = change?.["upgrade"];
  const merged = { ...found.status?.upgrade, ...(typeof patch === "object" ? patch : {}) };
  return inventory(Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null)));
}

function change(found: MachineInventory, word: UpgradeStatus, nowMs: number): Readonly<Record<string, unknown>> {
  return upgradeStatus(rolloutFacts(found), { word, sinceMs: nowMs, heardMs: nowMs });
}

function urgency(found: MachineInventory, word: UpgradeStatus, nowMs: number): string {
  return wordUrgency(rolloutFacts(found).upgrade, word, nowMs, HEARD_EVERY_MS);
}

describe("what a machine says of its upgrade", () => {
  it("is written down with the time since when it is so", () => {
    const first = change(inventory(), WORD, NOW);
    expect(first).toMatchObject({
      lastSeen: "2026-11-25T12:00:00Z",
      upgrade: { phase: "Staging", attempt: 3, since: "2026-11-25T12:00:00Z", heard: "2026-11-25T12:00:00Z" },
    });
    const later = change(after(inventory(), first), WORD, NOW + HEARD_EVERY_MS);
    expect(later["upgrade"]).toMatchObject({ since: "2026-11-25T12:00:00Z", heard: "2026-11-25T12:10:00Z" });
  });

  it("is written down with the text of the annotation with which the attempt has begun", () => {
    const annotated = (found: MachineInventory, text: string): MachineInventory => ({
      ...found,
      metadata: { ...found.metadata, annotations: { [RETRY_UPGRADE_ANNOTATION]: text } },
    });
    const begun = annotated(inventory(), "first");
    const first = change(begun, { ...WORD, phase: "Granted" }, NOW);
    expect(first["upgrade"]).toMatchObject({ retry: "first" });
    // Somebody asks for the next attempt while this one is under way.
    const under = annotated(after(begun, first), "second");
    const ended = change(under, { ...WORD, phase: "Failed" }, NOW + 1_000);
    expect(ended["upgrade"]).toMatchObject({ retry: "first" });
    const again = annotated(after(under, ended), "second");
    expect(change(again, { ...WORD, attempt: 4, phase: "Granted" }, NOW + 2_000)["upgrade"]).toMatchObject({
      retry: "second",
    });
    expect(change(after(under, ended), { ...WORD, attempt: 4, phase: "Granted" }, NOW)["upgrade"]).toMatchObject({
      retry: null,
    });
  });

  it("is not written again while nothing changes, except to show that the machine is alive", () => {
    const found = after(inventory(), change(inventory(), WORD, NOW));
    expect(urgency(found, WORD, NOW + HEARD_EVERY_MS - 1000)).toBe("none");
    expect(urgency(found, WORD, NOW + HEARD_EVERY_MS)).toBe("prompt");
  });

  it("is written at once where it was heard in a time to come, by a clock that was wrong", () => {
    const found = after(inventory(), change(inventory(), WORD, NOW + 30 * 24 * 3_600_000));
    for (const phase of ["Staging", "Draining"] as const)
      expect(urgency(found, { ...WORD, phase }, NOW)).toBe("prompt");
    const mended = change(found, WORD, NOW);
    expect(mended["upgrade"]).toMatchObject({ heard: "2026-11-25T12:00:00Z" });
    expect(urgency(after(found, mended), WORD, NOW + 1000)).toBe("none");
  });

  it("is written where somebody has written a larger attempt than any image grants", () => {
    for (const attempt of [2 ** 53, 2 ** 63]) {
      const found = after(inventory(), change(inventory(), { ...WORD, attempt }, NOW));
      expect(urgency(found, { ...WORD, phase: "Draining" }, NOW + 1000)).toBe("prompt");
    }
    const later = after(inventory(), change(inventory(), { ...WORD, attempt: WORD.attempt + 1 }, NOW));
    expect(urgency(later, { ...WORD, phase: "Draining" }, NOW + 1000)).toBe("none");
  });

  it("is written at once where an upgrade was broken off, though its reason was told before", () => {
    const lost = { reason: "UPGRADE_SLOT_LOST", message: "the operator took the slot back in Draining" };
    const draining = { ...WORD, ...lost, phase: "Draining" } as const;
    const found = after(inventory(), change(inventory(), draining, NOW));
    expect(urgency(found, { ...WORD, ...lost, phase: "Idle" }, NOW + 1_000)).toBe("prompt");
  });

  it("has time while it is a phase on the way, and none with trouble", () => {
    const found = after(inventory(), change(inventory(), WORD, NOW));
    for (const phase of ["Preparing", "Draining", "Upgrading", "Rebooting", "Verifying"] as const) {
      expect(urgency(found, { ...WORD, phase }, NOW + 1000)).toBe("late");
    }
    const blocked: UpgradeStatus = {
      ...WORD,
      phase: "Draining",
      reason: "DRAIN_BLOCKED",
      message: "waits for shop/web",
    };
    expect(urgency(found, blocked, NOW + 1000)).toBe("prompt");
  });

  it("has the more time the more machines are under way, and never more than a minute", () => {
    expect([0, 1, 3, 30, 500].map(passingPhaseHoldMs)).toEqual([2_000, 2_000, 6_000, 60_000, 60_000]);
  });

  it("does not go back: not to an earlier grant, and not from an end to the way there", () => {
    const ended = after(inventory(), change(inventory(), { ...WORD, phase: "Failed" }, NOW));
    expect(urgency(ended, { ...WORD, phase: "Draining" }, NOW + 60_000)).toBe("none");
    expect(urgency(ended, { ...WORD, attempt: 2, phase: "Succeeded" }, NOW + 60_000)).toBe("none");
    expect(urgency(ended, { ...WORD, phase: "Succeeded" }, NOW + 60_000)).toBe("prompt");
    expect(urgency(ended, { ...WORD, attempt: 4 }, NOW + 60_000)).toBe("prompt");
  });

  it("does not go back to what was on its way while the attempt was broken off", () => {
    const lost = { phase: "Idle", reason: "UPGRADE_SLOT_LOST", message: "the operator took the slot back" } as const;
    const broken = after(inventory(), change(inventory(), { ...WORD, ...lost }, NOW));
    expect(urgency(broken, { ...WORD, phase: "Draining" }, NOW + 1_000)).toBe("none");
    expect(urgency(broken, { ...WORD, phase: "Failed" }, NOW + 1_000)).toBe("prompt");
    expect(urgency(broken, { ...WORD, attempt: 4 }, NOW + 1_000)).toBe("prompt");
  });

  it("of a disk that was taken back to the middle of what succeeded is that it was broken off", () => {
    const done = after(inventory(), change(inventory(), { ...WORD, phase: "Succeeded" }, NOW));
    const lost = { reason: "UPGRADE_SLOT_LOST", message: "the operator took the slot back in Preparing" };
    // As one that was on its way may say.
    expect(urgency(done, { ...WORD, phase: "Preparing" }, NOW + 60_000)).toBe("none");
    expect(urgency(done, { ...WORD, ...lost, phase: "Idle" }, NOW + 60_000)).toBe("prompt");
    const found = after(done, change(done, { ...WORD, ...lost, phase: "Idle" }, NOW + 60_000));
    expect(rolloutFacts(found).upgrade).toMatchObject({ phase: "Idle", attempt: 3 });
  });

  it("is shown of a second upgrade by hand too, which nobody counts", () => {
    const byHand = { ...WORD, plan: undefined, image: undefined, attempt: 0 };
    const ended = after(inventory(), change(inventory(), { ...byHand, phase: "Succeeded" }, NOW));
    expect(urgency(ended, { ...byHand, phase: "Staging" }, NOW + 60_000)).toBe("prompt");
  });

  it("of nothing at all writes nothing", () => {
    const idle: UpgradeStatus = { ...WORD, plan: undefined, image: undefined, attempt: 0, phase: "Idle" };
    expect(urgency(inventory(), idle, NOW)).toBe("none");
    // Its operator may have sent a plan that it cannot read.
    const stuck = { ...idle, reason: "UPGRADE_PLAN_UNREADABLE", message: "the plan has bad fields" };
    expect(urgency(inventory(), stuck, NOW)).toBe("prompt");
    const found = after(inventory(), change(inventory(), stuck, NOW));
    expect(urgency(found, stuck, NOW + 60_000)).toBe("none");
    expect(urgency(found, idle, NOW + 60_000)).toBe("prompt");
  });
});

describe("what a machine says of its node", () => {
  const node = {
    name: "n1",
    uid: "n-u1",
    labels: { zone: "a", disk: "ssd" },
    ready: true,
    unschedulable: false,
    bootId: "b1",
    kubeletVersion: "v1.37.2",
  };

  it("is written where it changed, and labels that are gone are taken away", () => {
    const { bootId, ...fields } = node;
    const old = { ...fields, bootID: bootId };
    expect(nodeStatus(node, undefined)).toMatchObject({ name: "n1", bootID: "b1", labels: node.labels });
    expect(nodeStatus(node, old)).toBeUndefined();
    expect(nodeStatus(undefined, old)).toBeUndefined();
    expect(nodeStatus({ ...node, labels: { zone: "b" } }, old)).toMatchObject({ labels: { zone: "b", disk: null } });
    expect(nodeStatus({ ...node, ready: false }, old)).not.toHaveProperty("labels");
  });

  it("is found in the index, with the labels that people set over those of the node", () => {
    const entry = inventoryEntry({
      metadata: {
        name: "m1",
        namespace: "d",
        uid: "u",
        resourceVersion: "1",
        labels: { zone: "z", mine: "1" },
        annotations: { "rancheros.cattle.io/retry-upgrade": "again" },
      },
      spec: { clusterName: "c", config: { role: "server" } },
      status: { node: { name: "n1", labels: node.labels }, upgrade: { phase: "Draining", attempt: 2 } },
    });
    expect(entry?.rollout).toMatchObject({
      clusterName: "c",
      role: "server",
      nodeName: "n1",
      retry: "again",
      labels: { zone: "z", disk: "ssd", mine: "1" },
      upgrade: { phase: "Draining", attempt: 2, image: undefined },
    });
    const hostile = { metadata: { name: "m", namespace: "d", uid: "u" }, status: { node: 7, upgrade: "X" } };
    expect(inventoryEntry(hostile)?.rollout).toMatchObject({ labels: {}, upgrade: undefined });
  });
});
