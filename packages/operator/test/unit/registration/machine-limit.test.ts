import { setImmediate as turn } from "node:timers/promises";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isCodedError } from "@rancheros/protocol/errors";
import { MachineLimit, type CountedMachine } from "../../../src/registration/machine-limit.ts";

interface Machine extends CountedMachine {
  readonly ekHash: string;
}

function refusalOf(error: unknown): string {
  return isCodedError(error) ? error.code : String(error);
}

/** One API server whose objects every replica sees, each after a delay of its own. */
function cluster(replicas: number) {
  let revision = 0;
  const stored = new Map<string, Machine>();
  const limits = Array.from({ length: replicas }, () => {
    const seen = new Map<string, Machine>();
    const limit = new MachineLimit<Machine>({
      machinesOf: () => [...seen.values()],
      async withdraw(machine) {
        await turn();
        stored.delete(machine.metadata.uid);
        for (const one of views) one.delete(machine.metadata.uid);
        return undefined;
      },
      pause: turn,
      random: () => 0.5,
    });
    return { limit, seen };
  });
  const views = limits.map((one) => one.seen);
  async function make(replica: number, ekHash: string, delay: number) {
    revision += 1;
    const entry: Machine = { metadata: { uid: ekHash }, firstRevision: revision, ekHash };
    const earlier = [...stored.values()];
    stored.set(ekHash, entry);
    for (let count = 0; count < delay; count += 1) await turn();
    // A watch shows everything that was stored before.
    for (const one of [...earlier, entry]) if (stored.has(one.metadata.uid)) views[replica]?.set(one.metadata.uid, one);
    return { entry, made: true };
  }
  return { stored, limits: limits.map((one) => one.limit), make };
}

function registration(maxMachines: number, name = "r") {
  return { metadata: { name, namespace: "n", uid: "u", resourceVersion: "1" }, spec: { token: { maxMachines } } };
}

describe("MachineLimit", () => {
  it("lets in as many as allowed, whatever comes at once on however many replicas", async () => {
    const visits = fc.array(fc.record({ replica: fc.nat(2), delay: fc.nat(5) }), { minLength: 1, maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(fc.nat(8), visits, async (max, all) => {
        const { stored, limits, make } = cluster(3);
        const ends = await Promise.allSettled(
          all.map(async ({ replica, delay }, index) => {
            const ekHash = `m${index}`;
            return limits[replica]?.admit(registration(max), { ekHash, isKnown: false }, () =>
              make(replica, ekHash, delay),
            );
          }),
        );
        const admitted = ends.filter((one) => one.status === "fulfilled").length;
        expect(admitted).toBe(Math.min(max, all.length));
        expect(stored.size).toBe(admitted);
        const codes = ends.map((one) => (one.status === "rejected" ? refusalOf(one.reason) : "in"));
        expect(codes.every((code) => code === "in" || code === "REGISTRATION_FULL")).toBe(true);
      }),
    );
  });

  it("counts two inventories with one endorsement key, made by hand, as one machine", () => {
    const there = (keys: readonly (string | undefined)[]) =>
      new MachineLimit<CountedMachine>({
        machinesOf: () => keys.map((ekHash, at) => ({ metadata: { uid: `u${at}` }, firstRevision: at, ekHash })),
        withdraw: () => Promise.resolve(undefined),
        pause: turn,
        random: () => 0.5,
      });
    const last: CountedMachine = { metadata: { uid: "last" }, firstRevision: 9, ekHash: "last", statusDue: "later" };
    const twins = there(["a", "a"]);
    expect([twins.isFull(registration(2)), twins.isSurplus(registration(2), last)]).toEqual([false, false]);
    const others = there(["a", "b"]);
    expect([others.isFull(registration(2)), others.isSurplus(registration(2), last)]).toEqual([true, true]);
    expect(there([undefined, undefined]).isFull(registration(2))).toBe(true);
  });

  it("lets machines through that are known", async () => {
    const { limits, make } = cluster(1);
    const claim = await limits[0]?.admit(registration(0), { ekHash: "m", isKnown: true }, () => make(0, "m", 0));
    expect(claim?.made).toBe(true);
  });

  it("lets nobody in where the name is longer than a label holds, since nobody could be counted", () => {
    const { limits } = cluster(1);
    expect(limits[0]?.isFull(registration(5, "x".repeat(64)))).toBe(true);
    expect(limits[0]?.isFull(registration(5, "x".repeat(63)))).toBe(false);
  });
});
