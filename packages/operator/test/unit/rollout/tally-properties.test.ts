/** How a rollout counts its machines: each once, whatever the status and the machines say about it. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ManagedOSImage, ManagedOSVersionSpec } from "@rancheros/protocol/resources";
import { PHASE_NAMES, type Phase } from "@rancheros/protocol/upgrade";
import { decide } from "../../../src/rollout/decide.ts";
import type { RolloutMachine } from "../../../src/rollout/index.ts";
import { RolloutIndex } from "../../../src/rollout/rollout-index.ts";
import { isToUpgrade } from "../../../src/rollout/turn.ts";
import { viewOf } from "../../../src/rollout/view-of.ts";
import { digestPinned } from "./digest-pinned.ts";

const NOW_MS = Date.parse("2030-01-01T12:00:00Z");
const NAMESPACE = "fleet-default";
const VERSION: ManagedOSVersionSpec = {
  version: "v2.0.0",
  minVersion: "v1.0.0",
  metadata: { upgradeImage: "r.example.com/os:v2.0.0" },
};
const SPEC = { managedOSVersionName: "v2", concurrency: 3, failureBudget: "100%" } as const;

interface MachineSetup {
  /** Undefined where it is not known to this replica. */
  readonly cluster: "c1" | "elsewhere" | undefined;
  readonly osVersion: string | undefined;
  readonly retry: string | undefined;
  readonly begunWith: string | undefined;
  readonly phase: Phase | undefined;
  readonly isOfThisPlan: boolean;
  readonly attempt: number;
  readonly slot: number | undefined;
  readonly failure: number | undefined;
  readonly asks: boolean;
}

const machineSetup: fc.Arbitrary<MachineSetup> = fc.record({
  cluster: fc.constantFrom("c1" as const, "c1" as const, "c1" as const, "elsewhere" as const, undefined),
  osVersion: fc.constantFrom(undefined, "v0.9.0", "v1.5.0", "v2.0.0", "v3.0.0"),
  retry: fc.constantFrom(undefined, "again"),
  begunWith: fc.constantFrom(undefined, "again"),
  phase: fc.constantFrom(undefined, ...PHASE_NAMES),
  isOfThisPlan: fc.boolean(),
  attempt: fc.integer({ min: 1, max: 3 }),
  slot: fc.constantFrom(undefined, undefined, 1, 2, 3),
  failure: fc.constantFrom(undefined, undefined, 1, 2),
  asks: fc.boolean(),
});

function machineOf(setup: MachineSetup, index: number, plan: string): RolloutMachine {
  const { phase, isOfThisPlan, attempt, retry, begunWith, osVersion } = setup;
  const said = { sinceMs: NOW_MS - 60_000, heardMs: NOW_MS - 60_000, reason: undefined, message: undefined };
  const about = {
    image: "os",
    plan: isOfThisPlan ? plan : "ab".repeat(32),
    attempt,
    digest: undefined,
    retry: begunWith,
  };
  return {
    metadata: { name: `m${index}`, namespace: NAMESPACE, uid: `u${index}`, resourceVersion: "1" },
    approval: "Approved",
    beingDeleted: false,
    rollout: {
      clusterName: setup.cluster,
      role: "agent",
      labels: {},
      lastSeenMs: undefined,
      osVersion,
      retry,
      upgrade: phase === undefined ? undefined : { ...about, phase, ...said },
    },
  };
}

function countedIn(setups: readonly MachineSetup[]) {
  const index = new RolloutIndex({ chosen: () => new Set(["c1"]), unclear: () => undefined }, { find: () => VERSION });
  const object: ManagedOSImage = {
    metadata: { name: "os", namespace: NAMESPACE, uid: "i", resourceVersion: "1", generation: 1 },
    spec: { targets: [{ clusterSelector: {} }], ...SPEC },
  };
  const pinned = digestPinned(object, index);
  index.putImage(pinned);
  const plan = index.image(`${NAMESPACE}/os`)?.plan ?? "";
  const machines = setups.map((setup, at) => machineOf(setup, at, plan));
  const slots = setups.flatMap(({ slot, isOfThisPlan }, at) =>
    slot === undefined
      ? []
      : [
          {
            machine: `m${at}`,
            uid: `u${at}`,
            cluster: "c1",
            attempt: slot,
            plan: isOfThisPlan ? plan : "ab".repeat(32),
            grantedAt: new Date(NOW_MS - 30_000).toISOString(),
          },
        ],
  );
  const failures = setups.flatMap(({ failure }, at) =>
    failure === undefined
      ? []
      : [{ machine: `m${at}`, uid: `u${at}`, attempt: failure, time: new Date(NOW_MS - 20_000).toISOString() }],
  );
  const metadata = { ...pinned.metadata, resourceVersion: "2" };
  index.putImage({ ...pinned, metadata, status: { ...pinned.status, attempts: 9, slots, failures } });
  for (const [at, machine] of machines.entries()) {
    if (setups[at]?.cluster !== undefined) index.putMachine(machine);
  }
  const image = index.image(`${NAMESPACE}/os`);
  if (image === undefined) throw new Error("there is no image");
  const candidates = machines
    .filter((_, at) => setups[at]?.asks === true)
    .flatMap(({ metadata: { uid } }) => {
      const state = index.machine(uid);
      return state !== undefined && isToUpgrade(state) ? [{ machine: state.machine, cluster: "c1" }] : [];
    });
  return decide(viewOf(index, image, NOW_MS, true), candidates, NOW_MS).status;
}

describe("the counts of a rollout", () => {
  it("add up to its machines: none counts twice, and none is left out", () => {
    fc.assert(
      fc.property(fc.array(machineSetup, { minLength: 1, maxLength: 12 }), (setups) => {
        const { total = 0, updated = 0, updating = 0, failed = 0, pending = 0, refused = 0, slots } = countedIn(setups);
        expect(updating).toBe(slots?.length);
        expect({ sum: updated + updating + failed + pending + refused }).toEqual({ sum: total });
        const claimed = setups.filter(({ cluster }) => cluster === "c1").length;
        expect(total).toBeGreaterThanOrEqual(claimed);
        expect(total).toBeLessThanOrEqual(setups.length);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each<[string, Partial<MachineSetup>, object]>([
    ["failed and may not go there", { osVersion: "v0.9.0", failure: 1 }, { failed: 1, refused: 0 }],
    ["holds a slot and may not go there any more", { osVersion: "v0.9.0", slot: 1 }, { updating: 1, refused: 0 }],
    ["failed, and is to try again where it may not go", { failure: 1, retry: "again" }, { pending: 1, failed: 0 }],
    ["holds a slot although it is another image's", { cluster: "elsewhere", slot: 1 }, { updating: 1, total: 1 }],
    ["failed, and is not known here yet", { cluster: undefined, failure: 1 }, { failed: 1, total: 1 }],
  ])("count one that %s once", (_, more, expected) => {
    const plain = { cluster: "c1", osVersion: "v1.5.0", retry: undefined, phase: undefined, asks: false } as const;
    const rest = { isOfThisPlan: true, attempt: 1, begunWith: undefined, slot: undefined, failure: undefined };
    const status = countedIn([{ ...plain, ...rest, ...more }]);
    expect({ refused: 0, ...status }).toMatchObject({ total: 1, ...expected });
  });
});
