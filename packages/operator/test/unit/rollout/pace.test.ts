/** How often machines ask while they wait, all of them together. */
import * as fc from "fast-check";
import { expect, it } from "vitest";
import {
  fleetPaceSeconds,
  frontOf,
  frontPaceSeconds,
  headOf,
  placePaceSeconds,
  turnPaceSeconds,
} from "../../../src/rollout/pace.ts";

/**
 * Requests a second of all that wait, as machine-pace asks them to come.
 * @param turns  machines of each cluster whose turn has come, by the time that others took
 */
function asksPerSecond(clusters: number, each: number, concurrency: number, turns = 0): number {
  const front = clusters * Math.min(each, frontOf(concurrency));
  const head = clusters * Math.min(each, headOf(concurrency));
  const fleet = fleetPaceSeconds(clusters * each);
  let sum = 0;
  for (let rank = 0; rank < each; rank += 1) {
    const isInFront = rank < frontOf(concurrency);
    const byTurn = rank < turns ? turnPaceSeconds(0, front) : Number.POSITIVE_INFINITY;
    const soon = Math.min(frontPaceSeconds(front), placePaceSeconds(rank, concurrency, head), byTurn);
    sum += 1 / (isInFront ? Math.min(fleet, soon) : fleet);
  }
  return clusters * sum;
}

it("is some two hundred times a second at most, and three hundred when a wave of slots comes free, however 10,000 machines are spread among clusters", () => {
  const spread = fc.record({
    clusters: fc.integer({ min: 1, max: 2_000 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(spread, ({ clusters, share }) => {
      const each = Math.floor(10_000 / clusters);
      const concurrency = Math.max(1, Math.floor(each * share));
      expect(asksPerSecond(clusters, each, concurrency)).toBeLessThan(220);
      expect(asksPerSecond(clusters, each, concurrency, concurrency)).toBeLessThan(320);
    }),
    { examples: [[{ clusters: 10, share: 0.5 }], [{ clusters: 1_000, share: 0.2 }], [{ clusters: 1, share: 0.2 }]] },
  );
});
