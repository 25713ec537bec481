/** Machines in the middle of an upgrade without a slot that says so: concurrency counts them all the same. */
import type { ManagedOSImage, ManagedOSImageSpec } from "@rancheros/protocol/resources";
import { describe, expect, it } from "vitest";
import { decide } from "../../../src/rollout/decide.ts";
import { RolloutIndex } from "../../../src/rollout/rollout-index.ts";
import type { MachineUpgrade, RolloutMachine } from "../../../src/rollout/rollout-machine.ts";
import type { Failure, Slot } from "../../../src/rollout/slot.ts";
import { toldMachine } from "../../../src/rollout/told-machine.ts";
import { viewOf } from "../../../src/rollout/view-of.ts";
import { digestPinned } from "./digest-pinned.ts";
import { plainMachine } from "./plain-machine.ts";

const NAMESPACE = "fleet-local";
const NOW_MS = Date.parse("2030-01-01T12:00:00Z");
const MINUTE_MS = 60_000;
const OLD_PLAN = "ab".repeat(32);

function machine(name: string, upgrade?: Partial<MachineUpgrade>): RolloutMachine {
  const word = { image: "before", plan: OLD_PLAN, attempt: 1, phase: "Rebooting", heardMs: NOW_MS } as const;
  const rest = { sinceMs: undefined, reason: undefined, message: undefined };
  const said = upgrade === undefined ? undefined : { ...word, ...rest, ...upgrade };
  return plainMachine({ name, uid: `uid-${name}`, lastSeenMs: NOW_MS, upgrade: said });
}

function indexOf(
  machines: readonly RolloutMachine[],
  { slots = [], failures = [], ...spec }: Parameters<typeof decisionFor>[2] = {},
): RolloutIndex {
  const index = new RolloutIndex({ chosen: () => new Set(), unclear: () => undefined });
  const object: ManagedOSImage = {
    metadata: { name: "os", namespace: NAMESPACE, uid: "i", resourceVersion: "1", generation: 1 },
    spec: { osImage: "r.example.com/os:v2", concurrency: 1, nodeTimeout: "10m", ...spec },
  };
  const pinned = digestPinned(object, index);
  const status = { ...pinned.status, attempts: 9, slots: [...slots], failures: [...failures] };
  index.putImage({ ...pinned, status });
  for (const one of machines) index.putMachine(one);
  return index;
}

/** @returns who gets a slot of an image for one machine at a time, and why others do not */
function decisionFor(
  asking: string,
  machines: readonly RolloutMachine[],
  more: Partial<ManagedOSImageSpec> & { readonly slots?: readonly Slot[]; readonly failures?: readonly Failure[] } = {},
) {
  const index = indexOf(machines, more);
  const image = index.image(`${NAMESPACE}/os`);
  const state = index.machine(`uid-${asking}`);
  if (image === undefined || state === undefined) throw new Error("the scene is wrong");
  const { granted, refused } = decide(
    viewOf(index, image, NOW_MS, true),
    [{ machine: state.machine, cluster: "local" }],
    NOW_MS,
  );
  return { granted: granted.map((slot) => slot.machine), refused: [...refused.values()].map(({ reason }) => reason) };
}

const QUEUED = { granted: [], refused: ["Queued"] };

describe("a machine that is busy without a slot", () => {
  it("counts for as long as it may be silent without one, where nodeTimeout is shorter than that", () => {
    const busy = machine("m0", { heardMs: NOW_MS - 19 * MINUTE_MS });
    expect(decisionFor("m1", [busy, machine("m1")])).toEqual(QUEUED);
    const byHand = machine("m0", { image: undefined, plan: undefined, attempt: 0, heardMs: NOW_MS - 19 * MINUTE_MS });
    expect(decisionFor("m1", [byHand, machine("m1")])).toEqual(QUEUED);
  });

  it("counts where its slot is of another cluster, out of which it was moved meanwhile", () => {
    const slot = { machine: "m0", uid: "uid-m0", cluster: "before", attempt: 1, plan: OLD_PLAN };
    const moved = { ...slot, grantedAt: "2030-01-01T11:59:00Z" };
    expect(decisionFor("m1", [machine("m0", { image: "os" }), machine("m1")], { slots: [moved] })).toEqual(QUEUED);
  });

  it("begins nothing else itself for as long", () => {
    expect(decisionFor("m0", [machine("m0", { heardMs: NOW_MS - 19 * MINUTE_MS })])).toEqual(QUEUED);
  });

  it("holds nobody up once it has been silent for longer, or longer than a longer nodeTimeout", () => {
    const silent = machine("m0", { heardMs: NOW_MS - 31 * MINUTE_MS });
    expect(decisionFor("m1", [silent, machine("m1")]).granted).toEqual(["m1"]);
    expect(decisionFor("m1", [silent, machine("m1")], { nodeTimeout: "1h" })).toEqual(QUEUED);
  });

  it("counts from the very decision on that takes its slot of an earlier plan, since its time is over", () => {
    const slot = { machine: "m0", uid: "uid-m0", cluster: "local", attempt: 1, plan: OLD_PLAN };
    const slots = [{ ...slot, grantedAt: new Date(NOW_MS - 21 * MINUTE_MS).toISOString() }];
    const busy = machine("m0", { image: "os" });
    expect(decisionFor("m1", [busy, machine("m1")], { slots })).toEqual(QUEUED);
  });

  it("counts again where it was given up, and somebody lets it try once more, before it has come to its end", () => {
    const failures = [{ machine: "m0", uid: "uid-m0", attempt: 1, time: new Date(NOW_MS - MINUTE_MS).toISOString() }];
    const busy = machine("m0", { image: "os" });
    // Until then failureBudget accounts for it.
    expect(decisionFor("m1", [busy, machine("m1")], { failures, failureBudget: 1 }).granted).toEqual(["m1"]);
    const again = { ...busy, rollout: { ...busy.rollout, retry: "2" } };
    expect(decisionFor("m1", [again, machine("m1")], { failures, failureBudget: 1 })).toEqual(QUEUED);
  });

  it("is heard often enough for every image, however long the nodeTimeout of its own", () => {
    const one = machine("m0", { image: "os" });
    const word = { image: "os", plan: OLD_PLAN, attempt: 1, phase: "Rebooting" } as const;
    const grounds = { isSynced: true, isUnread: false, areVersionsKnown: true, isFresh: false };
    const told = toldMachine(indexOf([one], { nodeTimeout: "20h" }), one, word, grounds);
    expect(told.heardEveryMs).toBeLessThanOrEqual(10 * MINUTE_MS);
  });
});
