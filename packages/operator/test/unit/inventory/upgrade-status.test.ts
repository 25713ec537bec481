import type { MachineInventory } from "@rancheros/protocol/resources";
import type { UpgradeStatus } from "@rancheros/protocol/upgrade";
import { describe, expect, it } from "vitest";
import { inventoryEntry } from "../../../src/inventory/inventory-index.ts";
import { nodeStatus } from "../../../src/inventory/node-status.ts";
import { PASSING_PHASE_INTERVAL_MS, upgradeStatus } from "../../../src/inventory/upgrade-status.ts";

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

function written(found: MachineInventory, word: UpgradeStatus, nowMs: number): unknown {
  return upgradeStatus(found, word, nowMs, HEARD_EVERY_MS)?.["upgrade"];
}

describe("what a machine says of its upgrade", () => {
  it("is written down with the time since when it is so", () => {
    const first = upgradeStatus(inventory(), WORD, NOW, HEARD_EVERY_MS);
    expect(first).toMatchObject({
      lastSeen: "2026-11-25T12:00:00Z",
      upgrade: { phase: "Staging", attempt: 3, since: "2026-11-25T12:00:00Z", heard: "2026-11-25T12:00:00Z" },
    });
    const later = written(after(inventory(), first), WORD, NOW + HEARD_EVERY_MS);
    expect(later).toMatchObject({ since: "2026-11-25T12:00:00Z", heard: "2026-11-25T12:10:00Z" });
  });

  it("is not written again while nothing changes, except to show that the machine is alive", () => {
    const found = after(inventory(), upgradeStatus(inventory(), WORD, NOW, HEARD_EVERY_MS));
    expect(written(found, WORD, NOW + HEARD_EVERY_MS - 1000)).toBeUndefined();
    expect(written(found, WORD, NOW + HEARD_EVERY_MS)).toBeDefined();
  });

  it("is written at once where an upgrade was broken off, though its reason was told before", () => {
    const lost = { reason: "UPGRADE_SLOT_LOST", message: "the operator took the slot back in Draining" };
    const draining = { ...WORD, ...lost, phase: "Draining" } as const;
    const found = after(inventory(), upgradeStatus(inventory(), draining, NOW, HEARD_EVERY_MS));
    expect(written(found, { ...WORD, ...lost, phase: "Idle" }, NOW + 1_000)).toMatchObject({ phase: "Idle" });
  });

  it("takes three writes for an upgrade whose phases pass quickly", () => {
    let found = inventory();
    let writes = 0;
    const phases = ["Granted", "Staging", "Preparing", "Draining", "Upgrading", "Rebooting", "Verifying", "Succeeded"];
    for (const [index, phase] of phases.entries()) {
      const word = { ...WORD, phase } as UpgradeStatus;
      const change = upgradeStatus(found, word, NOW + index * 1000, HEARD_EVERY_MS);
      if (change !== undefined) writes += 1;
      found = after(found, change);
    }
    expect(writes).toBe(3);
    expect(found.status?.upgrade?.phase).toBe("Succeeded");
  });

  it("shows a phase that lasts, and trouble at once", () => {
    const found = after(inventory(), upgradeStatus(inventory(), WORD, NOW, HEARD_EVERY_MS));
    const draining: UpgradeStatus = { ...WORD, phase: "Draining" };
    expect(written(found, draining, NOW + 1000)).toBeUndefined();
    expect(written(found, draining, NOW + PASSING_PHASE_INTERVAL_MS)).toMatchObject({ phase: "Draining" });
    const blocked: UpgradeStatus = { ...draining, reason: "DRAIN_BLOCKED", message: "waits for shop/web" };
    expect(written(found, blocked, NOW + 1000)).toMatchObject({ message: "waits for shop/web" });
  });

  it("does not go back: not to an earlier grant, and not from an end to the way there", () => {
    const ended = after(inventory(), upgradeStatus(inventory(), { ...WORD, phase: "Failed" }, NOW, HEARD_EVERY_MS));
    expect(written(ended, { ...WORD, phase: "Draining" }, NOW + 60_000)).toBeUndefined();
    expect(written(ended, { ...WORD, attempt: 2, phase: "Succeeded" }, NOW + 60_000)).toBeUndefined();
    expect(written(ended, { ...WORD, phase: "Succeeded" }, NOW + 60_000)).toMatchObject({ phase: "Succeeded" });
    expect(written(ended, { ...WORD, attempt: 4 }, NOW + 60_000)).toMatchObject({ phase: "Staging", attempt: 4 });
  });

  it("of nothing at all writes nothing", () => {
    const idle: UpgradeStatus = { ...WORD, plan: undefined, image: undefined, attempt: 0, phase: "Idle" };
    expect(written(inventory(), idle, NOW)).toBeUndefined();
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
    const hostile = { metadata: { name: "m", namespace: "d", uid: "u" }, status: { node: 7, upgrade: { phase: "X" } } };
    expect(inventoryEntry(hostile)?.rollout).toMatchObject({ labels: {}, upgrade: undefined });
  });
});
