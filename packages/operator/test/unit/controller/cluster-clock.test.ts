import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  createClusterClock,
  HOLD_MS,
  TOLERANCE_MS,
  WRONG_MS,
  type ClusterClock,
} from "../../../src/controller/cluster-clock.ts";
import { CLOCK_SKEW_MS } from "../../../src/session/index.ts";

const START_MS = Date.parse("2030-01-01T12:00:00.250Z");
/** What an answer that takes a second can be off by: that second, and its date's grain. */
const QUICK_MS = 1_000;

interface Exchange {
  readonly pauseMs: number;
  readonly tookMs: number;
  /** At which part of that time the answer was made. */
  readonly madeAt: number;
}

/** A replica, its API server, and the time that passes for both. */
class Scene {
  steadyMs = 5_000;
  /** Time that the steady clock has missed. */
  asleepMs = 0;
  wallAheadMs: number;
  readonly verdicts: boolean[] = [];
  readonly clock: ClusterClock;

  /** @param wallAheadMs  the replica's own clock, of the real time */
  constructor(wallAheadMs: number) {
    this.wallAheadMs = wallAheadMs;
    this.clock = createClusterClock({
      wallMs: () => Math.floor(this.realMs + this.wallAheadMs),
      steadyMs: () => this.steadyMs,
      onVerdict: (isWrong) => this.verdicts.push(isWrong),
    });
  }

  get realMs(): number {
    return START_MS + this.steadyMs + this.asleepMs;
  }

  get errorMs(): number {
    return this.clock.nowMs() - this.realMs;
  }

  /** @returns by how much the cluster's clock was corrected */
  exchange({ pauseMs, tookMs, madeAt }: Exchange, serverAheadMs = 0): number {
    const beganMs = this.steadyMs + pauseMs;
    const serverMs = Math.floor((START_MS + this.asleepMs + beganMs + tookMs * madeAt + serverAheadMs) / 1_000) * 1_000;
    this.steadyMs = beganMs + tookMs;
    const before = this.clock.nowMs();
    this.clock.observe({ serverMs, beganMs, endedMs: this.steadyMs });
    return this.clock.nowMs() - before;
  }
}

const exchange = (longestMs: number, longestPauseMs = 20_000): fc.Arbitrary<Exchange> =>
  fc.record({
    pauseMs: fc.nat({ max: longestPauseMs }),
    tookMs: fc.nat({ max: longestMs }),
    madeAt: fc.double({ min: 0, max: 1, noNaN: true }),
  });
const skew = fc.oneof(
  fc.integer({ min: -15_000, max: 15_000 }),
  fc.integer({ min: -400 * 86_400_000, max: 400 * 86_400_000 }),
);
const quick: Exchange = { pauseMs: 2_000, tookMs: 20, madeAt: 0.5 };

describe("the cluster's clock", () => {
  it("is the replica's own while that agrees, and whole milliseconds", () => {
    const scene = new Scene(1_700);
    for (let count = 0; count < 100; count += 1) expect(scene.exchange(quick)).toBe(0);
    expect(scene.errorMs).toBe(1_700);
    scene.steadyMs += 0.3;
    expect(Number.isInteger(scene.clock.nowMs())).toBe(true);
  });

  it("is never corrected by less than the tolerance, each time to less of an error, and before anything else by the first answer", () => {
    const run = (wallAheadMs: number, exchanges: readonly Exchange[]): void => {
      const scene = new Scene(wallAheadMs);
      for (const [index, one] of exchanges.entries()) {
        const before = Math.abs(scene.errorMs);
        const correction = scene.exchange(one);
        // Rounding may take a half from both ends.
        if (correction !== 0) expect(Math.abs(correction)).toBeGreaterThan(TOLERANCE_MS - 1);
        if (correction !== 0) expect(Math.abs(scene.errorMs)).toBeLessThan(before);
        if (index === 0) expect(Math.abs(scene.errorMs)).toBeLessThanOrEqual(TOLERANCE_MS + 1_000 + one.tookMs + 1);
      }
    };
    fc.assert(fc.property(skew, fc.array(exchange(12_000), { minLength: 1, maxLength: 40 }), run), { numRuns: 500 });
  });

  it("of two replicas differs by no more than they allow each other, once the API server has answered quickly for a while", () => {
    const many = fc.array(exchange(QUICK_MS, 3_000), { minLength: 60, maxLength: 60 });
    const slow = fc.array(exchange(12_000), { maxLength: 5 });
    const ended = (wallAheadMs: number, before: readonly Exchange[], after: readonly Exchange[]): number => {
      const scene = new Scene(wallAheadMs);
      for (const one of before) scene.exchange(one);
      const fromMs = scene.steadyMs;
      for (const one of after) scene.exchange(one);
      fc.pre(scene.steadyMs - fromMs > HOLD_MS + 4_000);
      const there = scene.errorMs;
      expect(Math.abs(there)).toBeLessThanOrEqual(TOLERANCE_MS + 1_000 + QUICK_MS + 1);
      // From the edge of what is tolerated it may be corrected once more; then it stays.
      const corrections = after.map((one) => scene.exchange(one)).filter((correction) => correction !== 0);
      expect(corrections.length).toBeLessThanOrEqual(1);
      return corrections.length === 0 ? scene.errorMs : there;
    };
    fc.assert(
      fc.property(skew, skew, slow, many, many, (one, other, before, after, otherAfter) => {
        const apart = Math.abs(ended(one, before, after) - ended(other, [], otherAfter));
        expect(apart).toBeLessThanOrEqual(CLOCK_SKEW_MS);
      }),
      { numRuns: 300 },
    );
  });

  it("does not jump with the replica's own, forwards, backwards, or when that is put right", () => {
    // Within the tolerance, or so far outside that the grain does not decide whether it is.
    const clear = skew.filter((ms) => Math.abs(ms) < TOLERANCE_MS - 1_000 || Math.abs(ms) > TOLERANCE_MS + 1_000);
    fc.assert(
      fc.property(clear, fc.array(skew, { maxLength: 8 }), (first, jumps) => {
        const scene = new Scene(first);
        for (let count = 0; count < 20; count += 1) scene.exchange(quick);
        for (const wallAheadMs of [...jumps, 0]) {
          const before = scene.errorMs;
          scene.wallAheadMs = wallAheadMs;
          expect(scene.errorMs).toBe(before);
          for (let count = 0; count < 20; count += 1) expect(scene.exchange(quick)).toBe(0);
        }
      }),
    );
  });

  it("follows an API server whose clock has been put right, after a while", () => {
    const scene = new Scene(0);
    const serverAheadMs = 600_000;
    for (let count = 0; count < 5; count += 1) scene.exchange(quick, serverAheadMs);
    // Nobody but one API server says so: the first one to agree with the replica's own clock is two against one.
    expect(scene.errorMs).toBeGreaterThan(serverAheadMs - 1_000);
    expect(scene.exchange(quick)).toBeLessThan(-serverAheadMs + 1_000);
    // And from there it takes more than one answer.
    const corrections = Array.from({ length: 20 }, () => scene.exchange(quick, serverAheadMs));
    const [at] = corrections.flatMap((correction, index) => (correction === 0 ? [] : [index]));
    expect(at).toBe(Math.floor(HOLD_MS / (quick.pauseMs + quick.tookMs)));
    expect(corrections.filter((correction) => correction !== 0)).toHaveLength(1);
  });

  it("does not go to and fro between API servers that differ, of which one agrees with the replica", () => {
    const minutes = fc.integer({ min: 10_000, max: 600_000 });
    const run = (otherAheadMs: number, exchanges: readonly (readonly [Exchange, boolean])[]): void => {
      const scene = new Scene(0);
      let corrections = 0;
      for (const [one, isOther] of exchanges) {
        // Each of them answers at least once within ten seconds.
        corrections += Number(scene.exchange(one, isOther ? otherAheadMs : 0) !== 0);
        corrections += Number(scene.exchange(one) !== 0);
      }
      expect(corrections).toBeLessThanOrEqual(2);
      // A correction is exact to the grain of what it goes by.
      expect(Math.abs(scene.errorMs)).toBeLessThanOrEqual(700);
    };
    const answers = fc.array(fc.tuple(exchange(300, 4_000), fc.boolean()), { minLength: 1, maxLength: 60 });
    fc.assert(fc.property(minutes, answers, run));
  });

  it("is put right by the first answer after the replica was stopped for a while, by which its own clock goes on", () => {
    const scene = new Scene(0);
    for (let count = 0; count < 20; count += 1) scene.exchange(quick);
    scene.asleepMs = 600_000;
    expect(scene.exchange(quick)).toBeGreaterThan(599_000);
    expect(Math.abs(scene.errorMs)).toBeLessThanOrEqual(510);
  });

  it("is put right by a quick answer after a slow one that could not tell", () => {
    const scene = new Scene(-10_000);
    expect(scene.exchange({ pauseMs: 0, tookMs: 14_000, madeAt: 0 })).toBe(0);
    expect(scene.exchange(quick)).toBeGreaterThan(9_000);
  });
});

describe("a replica's clock", () => {
  const judged = (wallAheadMs: number): readonly boolean[] => {
    const scene = new Scene(wallAheadMs);
    for (let count = 0; count < 40; count += 1) scene.exchange(quick);
    return scene.verdicts;
  };

  it("is called wrong once, and right once when it is that again", () => {
    const scene = new Scene(0);
    for (const wallAheadMs of [0, 60_000, 120_000, 9_000, -60_000, 0, 1_000, 60_000]) {
      scene.wallAheadMs = wallAheadMs;
      for (let count = 0; count < 40; count += 1) scene.exchange(quick);
    }
    expect(scene.verdicts).toEqual([true, false, true]);
  });

  it.each([
    [0, []],
    [WRONG_MS - 2_000, []],
    [-WRONG_MS + 2_000, []],
    [WRONG_MS + 2_000, [true]],
    [-WRONG_MS - 2_000, [true]],
  ])("that is %i ms ahead is called %j", (wallAheadMs, verdicts) => {
    expect(judged(wallAheadMs)).toEqual(verdicts);
  });

  it("is shown beside the API server's to a second, and not before that has said anything", () => {
    const scene = new Scene(90_000);
    expect(scene.clock.skewMs()).toBe(0);
    scene.exchange(quick);
    expect(Math.abs(scene.clock.skewMs() + 90_000)).toBeLessThanOrEqual(510);
    scene.wallAheadMs = 0;
    expect(Math.abs(scene.clock.skewMs())).toBeLessThanOrEqual(510);
  });
});
