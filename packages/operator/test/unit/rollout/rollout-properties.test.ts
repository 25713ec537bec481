/** What holds of every rollout, whatever happens: tried on fleets in virtual time. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ManagedOSImage } from "@rancheros/protocol/resources";
import { serversAwayAtMost } from "../../../src/rollout/amount.ts";
import { type Fault, type FleetSetup, type StoredWrite } from "./fleet-setup.ts";
import { SimulatedFleet } from "./simulated-fleet.ts";

const MINUTE_MS = 60_000;
/** To make a fleet smaller for which something does not hold takes minutes, and the test would end without having said anything. */
const RUNS = { numRuns: 40, endOnFailure: true } as const;
const CANARY = { ring: "canary" };

function limitOf(setup: FleetSetup, cluster: string): number {
  const { concurrency = 1 } = setup.spec;
  const total = setup.machines.filter((one) => one.cluster === cluster).length;
  if (typeof concurrency === "number") return concurrency;
  return Math.max(1, Math.floor((total * Number.parseInt(concurrency ?? "1", 10)) / 100));
}

function budgetOf(setup: FleetSetup): number {
  const { failureBudget = 0 } = setup.spec;
  if (typeof failureBudget === "number") return failureBudget;
  return Math.floor((setup.machines.length * Number.parseInt(failureBudget ?? "0", 10)) / 100);
}

function grantsOf({ before, after }: StoredWrite) {
  const known = new Set((before.status?.slots ?? []).map(({ attempt }) => attempt));
  return (after.status?.slots ?? []).filter(({ attempt }) => !known.has(attempt));
}

function checkConcurrency(setup: FleetSetup, { status }: ManagedOSImage): void {
  const clusters = new Set(setup.machines.map(({ cluster }) => cluster));
  for (const cluster of clusters) {
    const slots = (status?.slots ?? []).filter((slot) => slot.cluster === cluster);
    expect(slots.length, `slots of ${cluster}`).toBeLessThanOrEqual(limitOf(setup, cluster));
    const servers = setup.machines.filter((one) => one.cluster === cluster && one.role === "server").length;
    const away = slots.filter(({ isServer }) => isServer === true).length;
    expect(away, `servers of ${cluster}`).toBeLessThanOrEqual(serversAwayAtMost(servers));
  }
}

function checkGrants(fleet: SimulatedFleet, write: StoredWrite): void {
  const { setup } = fleet;
  const grants = grantsOf(write);
  const { status } = write.after;
  const attempts = grants.map(({ attempt }) => attempt);
  expect(new Set(attempts).size).toBe(attempts.length);
  for (const { attempt } of grants) expect(attempt).toBeGreaterThan(write.before.status?.attempts ?? 0);
  if (grants.length > 0)
    expect(status?.failed ?? 0, "failures when a slot is granted").toBeLessThanOrEqual(budgetOf(setup));
  const canaries = setup.machines.filter(({ labels }) => labels["ring"] === "canary").map(({ name }) => name);
  for (const { machine, plan } of grants) {
    const said = write.phases.get(machine);
    const isDone = said?.plan === plan && said.phase === "Succeeded";
    expect(isDone, `${machine} had said that it runs the plan when it got a slot`).toBe(false);
  }
  if (!setup.spec.canary) return;
  for (const slot of grants) {
    if (canaries.includes(slot.machine)) continue;
    const { canariesDoneAt = "" } = status ?? {};
    expect(write.atMs - Date.parse(canariesDoneAt), "soak").toBeGreaterThanOrEqual(60_000 - 1_000);
  }
}

function completeOf(conditions: NonNullable<StoredWrite["after"]["status"]>["conditions"]): string | undefined {
  return conditions?.find(({ type, status }) => type === "Complete" && status === "True")?.type;
}

/** At every state that was ever stored. */
function checkHistory(fleet: SimulatedFleet): void {
  for (const write of fleet.writes) {
    checkConcurrency(fleet.setup, write.after);
    checkGrants(fleet, write);
    expect(JSON.stringify(write.after.status)).not.toBe(JSON.stringify(write.before.status));
    const {
      total = 0,
      updated = 0,
      updating = 0,
      failed = 0,
      pending = 0,
      plan,
      state,
      conditions,
    } = write.after.status ?? {};
    // Of no version, so that none is refused its path.
    expect(updated + updating + failed + pending, "machines of any standing").toBe(total);
    if (state === "Complete") expect(updated).toBe(total);
    // What was counted by then was another plan's.
    if (plan !== write.before.status?.plan) expect([state, completeOf(conditions)]).not.toContain("Complete");
    expect(conditions?.length ?? 10).toBe(10);
  }
}

const fault = fc.constantFrom<Fault>("none", "none", "none", "none", "none", "none", "fails", "dies", "offline");

function machinesArbitrary(faults: fc.Arbitrary<Fault>) {
  const one = fc.record({
    cluster: fc.constantFrom("a", "a", "b"),
    role: fc.constantFrom("server" as const, "agent" as const, "agent" as const),
    labels: fc.constantFrom<Record<string, string>>({}, {}, CANARY),
    fault: faults,
  });
  return fc
    .array(one, { minLength: 1, maxLength: 14 })
    .map((all) => all.map((machine, index) => ({ ...machine, name: `m${index}` })));
}

function setupArbitrary(faults: fc.Arbitrary<Fault>): fc.Arbitrary<FleetSetup> {
  return fc.record({
    seed: fc.nat(),
    machines: machinesArbitrary(faults),
    spec: fc
      .record({
        concurrency: fc.constantFrom<number | string>(1, 2, 3, 10, "34%", "100%"),
        failureBudget: fc.constantFrom<number | string>(0, 1, 3, "25%"),
        canary: fc.constantFrom(undefined, { selector: { matchLabels: CANARY }, soakTime: "1m" }),
        order: fc.constantFrom("ServersFirst", "AgentsFirst", "Any"),
      })
      .map(({ canary, ...spec }) => ({
        osImage: "registry.example.com/os:v2",
        targets: [{ clusterSelector: {} }],
        nodeTimeout: "10m",
        ...spec,
        ...(canary === undefined ? {} : { canary }),
      })),
    replicas: fc.constantFrom(1, 2, 3),
    lagMs: fc.constantFrom(0, 50, 2_000, 20_000),
    writeFaults: fc.constantFrom(0, 0, 0.1, 0.3),
    restartEveryMs: fc.constantFrom(undefined, undefined, 60_000),
  });
}

/** What a canary selector that matches nothing would hold up for ever is tried by itself. */
function hasCanaries(setup: FleetSetup): boolean {
  return !setup.spec.canary || setup.machines.some(({ labels }) => labels["ring"] === "canary");
}

function serversOf(setup: FleetSetup, cluster: string): number {
  return setup.machines.filter((one) => one.cluster === cluster && one.role === "server").length;
}

/** By what is really away, whatever any status says. */
function checkQuorum(fleet: SimulatedFleet): void {
  for (const [cluster, down] of fleet.mostServersDown) {
    const most = serversAwayAtMost(serversOf(fleet.setup, cluster));
    expect(down, `servers of ${cluster} away`).toBeLessThanOrEqual(most);
  }
}

/** Servers that died keep the others of their cluster from starting, and what comes after those in order. */
function isHeldUp(fleet: SimulatedFleet): boolean {
  const { setup } = fleet;
  const rest = setup.machines.filter(
    ({ name, fault: one }) => one !== "fails" && one !== "dies" && fleet.phaseOf(name) !== "Succeeded",
  );
  return rest.every(({ cluster, role }) => {
    const isBehind = role === "server" || setup.spec.order === "ServersFirst";
    return isBehind && fleet.serversDown(cluster) >= serversAwayAtMost(serversOf(setup, cluster));
  });
}

async function ended(fleet: SimulatedFleet): Promise<void> {
  const isEnd = () => ["Complete", "Halted"].includes(fleet.image.status?.state ?? "");
  await fleet.time.until(isEnd, 240 * MINUTE_MS);
}

async function quiet(fleet: SimulatedFleet): Promise<void> {
  await fleet.time.pass(2 * MINUTE_MS);
  const { length } = fleet.writes;
  const { asks } = fleet;
  await fleet.time.pass(5 * MINUTE_MS);
  if (fleet.setup.machines.some((one) => one.fault === "none" && fleet.machines.has(one.name)))
    expect(fleet.asks).toBeGreaterThan(asks);
  expect(fleet.writes.length, "writes in a world that does not change").toBe(length);
}

describe("any rollout", () => {
  it(
    "ends with every machine updated where none fails, and keeps its limits on the way",
    { timeout: 120_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(
          setupArbitrary(fc.constantFrom<Fault>("none", "none", "offline")).filter(hasCanaries),
          async (setup) => {
            const fleet = new SimulatedFleet(setup);
            await ended(fleet);
            checkHistory(fleet);
            expect(fleet.image.status).toMatchObject({
              state: "Complete",
              updated: setup.machines.length,
              updating: 0,
            });
            for (const [cluster, down] of fleet.mostDown) expect(down).toBeLessThanOrEqual(limitOf(setup, cluster));
            await quiet(fleet);
            await fleet.stop();
          },
        ),
        RUNS,
      );
    },
  );

  it("keeps concurrency, quorum and budget where machines fail, die and come late", { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(setupArbitrary(fault).filter(hasCanaries), async (setup) => {
        const fleet = new SimulatedFleet(setup);
        const wrong = setup.machines.filter(({ fault: one }) => one === "fails" || one === "dies").length;
        const isOver = () => {
          const { slots = [], state, updated = 0, failed = 0 } = fleet.image.status ?? {};
          const isAll = updated === setup.machines.length - wrong && failed === wrong;
          return slots.length === 0 && (state === "Halted" || isAll || isHeldUp(fleet));
        };
        // All that could be updated is, or it has halted; and no slot is held for ever.
        expect(await fleet.time.until(isOver, 300 * MINUTE_MS)).toBe(true);
        // Who is not behind the servers may be under way still.
        if (isHeldUp(fleet)) await fleet.time.pass(120 * MINUTE_MS);
        expect(isOver()).toBe(true);
        checkHistory(fleet);
        checkQuorum(fleet);
        if (fleet.image.status?.state === "Halted") expect(fleet.image.status.failed).toBeGreaterThan(0);
        await quiet(fleet);
        await fleet.stop();
      }),
      RUNS,
    );
  });

  it(
    "keeps its limits while people change the image, ask for retries and take machines away",
    { timeout: 120_000 },
    async () => {
      const deed = fc.record({
        afterMs: fc.integer({ min: 1_000, max: 120_000 }),
        what: fc.constantFrom("image", "retry", "remove", "suspend", "resume"),
        which: fc.nat(),
      });
      const faults = fc.constantFrom<Fault>("none", "none", "none", "fails", "rolls-back", "dies-and-returns");
      await fc.assert(
        fc.asyncProperty(setupArbitrary(faults), fc.array(deed, { maxLength: 6 }), async (wanted, deeds) => {
          const { canary: _, ...spec } = wanted.spec;
          const setup = { ...wanted, spec: { ...spec, concurrency: 2, failureBudget: "100%" } };
          const fleet = new SimulatedFleet(setup);
          for (const [index, { afterMs, what, which }] of deeds.entries()) {
            await fleet.time.pass(afterMs);
            const { name } = setup.machines[which % setup.machines.length]!;
            if (what === "image")
              fleet.setSpec({ ...fleet.image.spec, osImage: `registry.example.com/os:v${index + 3}` });
            if (what === "retry") fleet.annotate(name, `try-${index}`);
            if (what === "remove") fleet.remove(name);
            if (what === "suspend" || what === "resume")
              fleet.setSpec({ ...fleet.image.spec, suspend: what === "suspend" });
          }
          fleet.setSpec({ ...fleet.image.spec, suspend: false });
          const isSettled = () => {
            const status = fleet.image.status ?? {};
            const { slots = [], updated = 0, failed = 0, state, resolvedImage, observedGeneration } = status;
            // The machines are not counted yet.
            if (state === "Resolving") return false;
            if (resolvedImage !== fleet.image.spec.osImage) return false;
            // Until then the numbers are about the image before.
            if (observedGeneration !== fleet.image.metadata.generation) return false;
            // One that was asked to try again does, when the watch has shown that.
            if (!fleet.haveTriedAgain()) return false;
            return fleet.down.size === 0 && slots.length === 0 && updated + failed === fleet.machines.size;
          };
          expect(await fleet.time.until(isSettled, 400 * MINUTE_MS)).toBe(true);
          for (const { after } of fleet.writes) checkConcurrency(setup, after);
          const { status } = fleet.image;
          expect(status?.slots).toEqual([]);
          expect((status?.updated ?? 0) + (status?.failed ?? 0)).toBe(fleet.machines.size);
          await quiet(fleet);
          await fleet.stop();
        }),
        RUNS,
      );
    },
  );
});
