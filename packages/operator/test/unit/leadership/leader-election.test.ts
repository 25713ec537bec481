/** Who leads, and when: never two at one time, and never nobody for long. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LEASE_DURATION_MS, RENEW_DEADLINE_MS } from "../../../src/leadership/leader-election.ts";
import { Replicas, type Replica } from "./replicas.ts";

const half = (): number => 0.5;
const leading = (replicas: readonly Replica[]): number => replicas.filter(({ election }) => election.isLeader()).length;

/** What the API server has of a Lease without spec. */
const EMPTIED = { holder: "", durationMs: LEASE_DURATION_MS, acquireTime: "", renewTime: "", transitions: 0 };

async function three(random = half) {
  const world = new Replicas(random);
  const replicas = ["a", "b", "c"].map((name) => world.start(name));
  await world.time.until(() => leading(replicas) === 1, 5_000);
  const leader = replicas.find(({ election }) => election.isLeader());
  if (leader === undefined) throw new Error("nobody leads");
  return { world, replicas, leader, others: replicas.filter((one) => one !== leader) };
}

describe("of three replicas", () => {
  it("one leads at once, and goes on leading", async () => {
    const { world, replicas, leader } = await three();
    await world.time.pass(600_000);
    expect(leader.election.isLeader()).toBe(true);
    expect(leading(replicas)).toBe(1);
    expect(world.holders).toHaveLength(1);
    expect(world.lease?.transitions).toBe(0);
  });

  it("one that goes gives the lease back, and another one leads within seconds", async () => {
    const { world, leader, others } = await three();
    const stopping = leader.election.stop();
    expect(leader.election.isLeader()).toBe(false);
    expect(await world.time.until(() => leading(others) === 1, 5_000)).toBe(true);
    await stopping;
    expect(world.lease?.transitions).toBe(1);
  });

  it("one that is cut off has stopped before another one leads, and that one does so in time", async () => {
    const { world, leader, others } = await three();
    await world.time.pass(30_000);
    leader.way.isCut = true;
    const cutAtMs = world.time.nowMs;
    expect(await world.time.until(() => !leader.election.isLeader(), LEASE_DURATION_MS)).toBe(true);
    expect(world.time.nowMs - cutAtMs).toBeLessThanOrEqual(RENEW_DEADLINE_MS);
    expect(leading(others)).toBe(0);
    expect(await world.time.until(() => leading(others) === 1, 10_000)).toBe(true);
    expect(world.time.nowMs - cutAtMs).toBeGreaterThanOrEqual(LEASE_DURATION_MS - 2_100);
    leader.way.isCut = false;
    await world.time.pass(60_000);
    expect(leader.election.isLeader()).toBe(false);
    expect(leading(others)).toBe(1);
  });

  it("one whose answers get lost leads by what it knows, and no longer", async () => {
    const { world, leader, others } = await three();
    leader.way.isAnswerLost = true;
    await world.time.pass(RENEW_DEADLINE_MS);
    expect(leader.election.isLeader()).toBe(false);
    expect(leading(others)).toBe(0);
    // One renewal arrived, and the next one named a version that was not there any more.
    expect(await world.time.until(() => leading(others) === 1, LEASE_DURATION_MS + 6_000)).toBe(true);
    expect(leader.election.isLeader()).toBe(false);
  });

  it("a lease of nonsense keeps nobody from leading", async () => {
    const { world, replicas } = await three();
    world.overwrite({ holder: "somebody else", durationMs: LEASE_DURATION_MS, transitions: 0, acquireTime: "" });
    expect(await world.time.until(() => leading(replicas) === 0, 5_000)).toBe(true);
    expect(await world.time.until(() => leading(replicas) === 1, LEASE_DURATION_MS + 6_000)).toBe(true);
    world.lease = undefined;
    await world.time.pass(10_000);
    expect(leading(replicas)).toBe(1);
    expect(world.lease).not.toBe(undefined);
  });

  it("a lease that was emptied, as by helm upgrade --force, is still that of who leads, who writes it back", async () => {
    const { world, replicas, leader, others } = await three();
    await world.time.pass(30_000);
    const { holder, acquireTime } = world.lease ?? {};
    leader.way.isCut = true;
    world.overwrite(EMPTIED);
    // It leads by what it knows, for so long.
    await world.time.pass(RENEW_DEADLINE_MS - 2_500);
    expect([leader.election.isLeader(), leading(others)]).toEqual([true, 0]);
    leader.way.isCut = false;
    await world.time.pass(60_000);
    expect([leader.election.isLeader(), leading(replicas)]).toEqual([true, 1]);
    expect(world.lease).toMatchObject({ holder, acquireTime, transitions: 0 });
  });

  it("a lease that was emptied is another one's once who held it cannot lead any more", async () => {
    const { world, leader, others } = await three();
    await world.time.pass(30_000);
    leader.way.isCut = true;
    world.overwrite(EMPTIED);
    expect(await world.time.until(() => leading(others) === 1, LEASE_DURATION_MS + 6_000)).toBe(true);
    expect(leader.election.isLeader()).toBe(false);
    expect(world.lease?.transitions).toBe(1);
  });

  it("a lease of an hour that somebody wrote for nobody is waited for, as client-go does, and each replica says so once", async () => {
    const { world, replicas } = await three();
    const before = world.warnings.length;
    world.overwrite({ holder: "nobody-knows", durationMs: 3_600_000 });
    await world.time.pass(3_590_000);
    expect(leading(replicas)).toBe(0);
    const said = world.warnings.slice(before).filter(([, sentence]) => sentence.includes("does not renew"));
    expect(said.map(([identity]) => identity).sort()).toEqual(["a", "b", "c"]);
    for (const [, , fields] of said) expect(fields).toMatchObject({ leader: "nobody-knows", durationSeconds: 3_600 });
    expect(await world.time.until(() => leading(replicas) === 1, 20_000)).toBe(true);
  });

  it("a leader that renews is waited for without a word", async () => {
    const { world } = await three();
    await world.time.pass(600_000);
    expect(world.warnings).toEqual([]);
  });

  it("a lease that has changed hands as often as can be counted keeps nobody from leading", async () => {
    const { world, replicas } = await three();
    world.overwrite({ holder: "somebody else", transitions: 2 ** 31 - 1 });
    expect(await world.time.until(() => leading(replicas) === 0, 5_000)).toBe(true);
    expect(await world.time.until(() => leading(replicas) === 1, LEASE_DURATION_MS + 6_000)).toBe(true);
    expect(world.lease?.transitions).toBe(0);
  });

  it("whoever begins to lead is told each time", async () => {
    const { world, leader, replicas } = await three();
    let begun = 0;
    for (const { election } of replicas) election.onLeading(() => (begun += 1));
    expect(begun).toBe(1);
    leader.way.isCut = true;
    await world.time.pass(60_000);
    expect(begun).toBe(2);
  });
});

describe("whatever happens on the way to the API server", () => {
  it("there are never two leaders, with clocks that differ by a tenth; and one again once all is well", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            who: fc.nat(2),
            what: fc.constantFrom("cut", "lost", "well", "slow"),
            forMs: fc.integer({ min: 100, max: 25_000 }),
          }),
          { minLength: 3, maxLength: 15 },
        ),
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        async (troubles, randoms) => {
          const random = (): number => Number(randoms.next().value);
          const world = new Replicas(random);
          const replicas = [1, 0.95, 1.05].map((factor, at) => world.start(`replica-${at}`, factor));
          let most = 0;
          const look = (): boolean => {
            most = Math.max(most, leading(replicas));
            return false;
          };
          for (const { who, what, forMs } of troubles) {
            const way = replicas[who]?.way;
            if (way !== undefined) {
              way.isCut = what === "cut";
              way.isAnswerLost = what === "lost";
              way.delayMs = () => (what === "slow" ? random() * 1_900 : random() * 20);
            }
            await world.time.until(look, forMs);
          }
          for (const { way } of replicas) Object.assign(way, { isCut: false, isAnswerLost: false, delayMs: () => 5 });
          await world.time.until(() => look() || leading(replicas) === 1, 60_000);
          expect(most).toBeLessThanOrEqual(1);
          expect(leading(replicas)).toBe(1);
          await Promise.race([Promise.all(replicas.map(({ election }) => election.stop())), world.time.pass(60_000)]);
        },
      ),
      { numRuns: 40 },
    );
  });
});
