/** Servers of one cluster that belong to two images, granted in the same moment by replicas that did not know of each other. */
import type { ManagedOSImage, ManagedOSImageSpec } from "@rancheros/protocol/resources";
import { describe, expect, it } from "vitest";
import { effectiveImage } from "../../../src/rollout/effective-image.ts";
import { NO_VERSIONS } from "../../../src/versions/index.ts";
import { compileImage } from "../../../src/rollout/compile-image.ts";
import { planOf } from "../../../src/rollout/resolved.ts";
import { RolloutIndex } from "../../../src/rollout/rollout-index.ts";
import type { RolloutMachine } from "../../../src/rollout/rollout-machine.ts";
import { slotFate } from "../../../src/rollout/slot-fate.ts";
import type { Slot } from "../../../src/rollout/slot.ts";
import { viewOf } from "../../../src/rollout/view-of.ts";
import { toldMachine } from "../../../src/rollout/told-machine.ts";

const NAMESPACE = "fleet-local";
const GRANTED = "2030-01-01T12:00:00Z";
const GROUNDS = { isSynced: true, isUnread: false, areVersionsKnown: true, isFresh: false };
const DIGEST = `sha256:${"ab".repeat(32)}`;

function server(name: string, ring: string): RolloutMachine {
  return {
    metadata: { name, namespace: NAMESPACE, uid: `uid-${name}`, resourceVersion: "1" },
    approval: "Approved",
    beingDeleted: false,
    rollout: {
      clusterName: undefined,
      role: "server",
      labels: { ring },
      lastSeenMs: undefined,
      retry: undefined,
      upgrade: undefined,
    },
  };
}

function image(name: string, createdAt: string, holders: readonly string[]): ManagedOSImage {
  const spec: ManagedOSImageSpec = { osImage: "r.example.com/os:v1", nodeSelector: { matchLabels: { ring: name } } };
  const metadata = { name, namespace: NAMESPACE, uid: name, resourceVersion: "1", generation: 1 };
  const reference = `r.example.com/os@${DIGEST}`;
  const images = { resolvedImage: "r.example.com/os:v1", digest: DIGEST, reference, containerImages: [] };
  const object = { metadata: { ...metadata, creationTimestamp: createdAt }, spec };
  const plan = planOf(object, images);
  const slots = holders.map((machine, at): Slot => {
    const slot = { machine, uid: `uid-${machine}`, cluster: "local", attempt: at + 1, plan, grantedAt: GRANTED };
    return { ...slot, isServer: true };
  });
  return { ...object, status: { ...images, plan, attempts: holders.length, slots } };
}

/** @param holders  of the older and of the younger image, in the order of their grants */
function scene(servers: number, holders: { readonly older: readonly string[]; readonly younger: readonly string[] }) {
  const index = new RolloutIndex({ chosen: () => new Set(), unclear: () => undefined });
  index.putImage(image("older", "2029-01-01T00:00:00Z", holders.older));
  index.putImage(image("younger", "2029-01-02T00:00:00Z", holders.younger));
  const machines = Array.from({ length: servers }, (_, at) => server(`m${at}`, at % 2 === 0 ? "older" : "younger"));
  for (const one of machines) index.putMachine(one);
  const holds = (name: string, phase: "Staging" | "Upgrading" = "Staging", isUnread = false): boolean => {
    const found = index.machine(`uid-${name}`);
    const claim = found?.claims[0];
    const slot = claim?.slots.get(`uid-${name}`);
    if (found === undefined || claim === undefined || slot === undefined) throw new Error(`${name} holds no slot`);
    const { plan, attempt } = slot;
    const word = { image: claim.image.object.metadata.name, plan, attempt, phase };
    return toldMachine(index, found.machine, word, { ...GROUNDS, isUnread }).holdsSlot;
  };
  /** The machine has said it of the slot that it holds. */
  const said = (name: string, phase: "Staging" | "Succeeded"): void => {
    const { machine, claims } = index.machine(`uid-${name}`) ?? {};
    const claim = claims?.[0];
    const slot = claim?.slots.get(`uid-${name}`);
    if (machine === undefined || claim === undefined || slot === undefined) throw new Error(`${name} holds no slot`);
    const { plan, attempt } = slot;
    const none = { sinceMs: undefined, heardMs: undefined, reason: undefined, message: undefined };
    const upgrade = { ...none, image: claim.image.object.metadata.name, plan, attempt, phase };
    index.putMachine({ ...machine, rollout: { ...machine.rollout, upgrade } });
  };
  return { index, holds, said };
}

describe("two servers of three whose images let them go in the same moment", () => {
  it("do not both go on: the one of the younger image gives way, unless it has switched", () => {
    const { holds } = scene(3, { older: ["m0"], younger: ["m1"] });
    expect(holds("m0")).toBe(true);
    expect(holds("m1")).toBe(false);
    expect(holds("m1", "Upgrading")).toBe(true);
  });

  it("both go on once the one of the older image says that it has ended, written down or not", () => {
    const { index, holds, said } = scene(3, { older: ["m0"], younger: ["m1"] });
    const away = (): readonly string[] => {
      const younger = index.image(`${NAMESPACE}/younger`);
      if (younger === undefined) throw new Error("it is there");
      return [...viewOf(index, younger, Date.parse(GRANTED), true).cluster("local").otherServersAway()];
    };
    said("m0", "Staging");
    expect([holds("m1"), away()]).toEqual([false, ["uid-m0"]]);
    said("m0", "Succeeded");
    expect([holds("m1"), away()]).toEqual([true, []]);
  });

  it("give way also where the image cannot be read; nothing else ends what it has granted", () => {
    const { index, holds } = scene(3, { older: ["m0"], younger: ["m1"] });
    expect([holds("m0", "Staging", true), holds("m1", "Staging", true)]).toEqual([true, false]);
    // Another spec: by that, nothing of what is under way is wanted any more.
    const older = image("older", "2029-01-01T00:00:00Z", ["m0"]);
    const { generation = 0 } = older.metadata;
    index.putImage({
      ...older,
      metadata: { ...older.metadata, resourceVersion: "2", generation: generation + 1 },
      status: {
        ...older.status,
        plan: "cd".repeat(32),
      },
    });
    expect([holds("m0", "Staging", true), holds("m0")]).toEqual([true, false]);
  });

  it("both go on where the cluster can spare them", () => {
    const { holds } = scene(5, { older: ["m0"], younger: ["m1"] });
    expect([holds("m0"), holds("m1")]).toEqual([true, true]);
  });

  it("give way as many as are too many, the later ones of the younger image", () => {
    const { holds } = scene(5, { older: ["m0"], younger: ["m1", "m3"] });
    expect(["m0", "m1", "m3"].map((name) => holds(name))).toEqual([true, true, false]);
  });

  it("are no matter of one image alone, whose own slots are counted when they are granted", () => {
    const { holds } = scene(3, { older: ["m0", "m2"], younger: [] });
    expect([holds("m0"), holds("m2")]).toEqual([true, true]);
  });

  it("count no failure: the slot of the one that gave way is free again", () => {
    const object = image("younger", "2029-01-02T00:00:00Z", ["m1"]);
    const [slot] = object.status?.slots ?? [];
    if (slot === undefined) throw new Error("it has one");
    const upgrade = { image: "younger", plan: slot.plan, attempt: slot.attempt, phase: "Idle" } as const;
    const said = { sinceMs: undefined, heardMs: undefined, message: "the operator took the slot back" };
    const known = server("m1", "younger");
    const fate = (reason: string | undefined) => {
      const rollout = { ...known.rollout, upgrade: { ...upgrade, ...said, reason } };
      const holder = { kind: "known", machine: { ...known, rollout }, isClaimed: true } as const;
      const nowMs = Date.parse(GRANTED) + 10_000;
      const { nodeTimeoutMs } = compileImage(effectiveImage(object, NO_VERSIONS));
      return slotFate(slot, holder, "younger", slot.plan, { nowMs, nodeTimeoutMs }).kind;
    };
    expect(fate("UPGRADE_SLOT_LOST")).toBe("returned");
    expect(fate(undefined)).toBe("failed");
  });
});
