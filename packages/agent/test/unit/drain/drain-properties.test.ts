/** What holds of each drain in virtual time, whatever there is to drain and whatever comes between. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { DrainError } from "../../../src/drain/errors.ts";
import { drain, pod } from "./drain.ts";

describe("for any pods, any absence of the API server and any moment of an interruption", () => {
  const somePods = fc
    .array(
      fc.record({
        endsAfterMs: fc.oneof(fc.nat({ max: 8_000 }), fc.constant(Infinity)),
        heldTimes: fc.nat({ max: 4 }),
        lostAnswer: fc.option(fc.integer({ min: 1, max: 5 }), { nil: 0 }),
        refusedWith: fc.integer({ min: 0, max: 19 }).map((dice) => ([403, 409] as const)[dice]),
        refusedForGood: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
        replacedAtMs: fc.option(fc.integer({ min: 200, max: 30_000 }), { nil: Infinity, freq: 4 }),
        replacedHere: fc.boolean(),
        finished: fc.boolean(),
      }),
      { maxLength: 24 },
    )
    .map((pods) => pods.map((one, index) => pod(`p${index}`, one)));
  const someAway = fc
    .array(fc.tuple(fc.integer({ min: 200, max: 40_000 }), fc.nat({ max: 20_000 })), { maxLength: 3 })
    .map((gaps) => gaps.map(([fromMs, lengthMs]) => [fromMs, fromMs + lengthMs] as const));
  const cacheBehindMs = fc.constantFrom(0, 300, 5_000);
  const timeoutMs = fc.integer({ min: 1_000, max: 90_000 });

  it("a drain ends in time, meets no pod that it did not mean, evicts none twice, and says truly which are left", () =>
    fc.assert(
      fc.asyncProperty(somePods, someAway, timeoutMs, fc.boolean(), cacheBehindMs, async (...circumstances) => {
        const [pods, away, timeout, disableEviction, behindMs] = circumstances;
        const options = { timeoutMs: timeout, disableEviction };
        const { cluster, report, error, tookMs, sleeping } = await drain(pods, {
          away,
          options,
          cacheBehindMs: behindMs,
        });
        expect(sleeping).toBe(0);
        // Deleting has its time twice: for the requests, and for the waiting.
        expect(tookMs).toBeLessThan(500 + timeout * (disableEviction ? 2 : 1) + 1_000);
        expect(cluster.removed.filter((uid) => uid.endsWith("-new"))).toEqual([]);
        if (!disableEviction) expect(new Set(cluster.removed).size).toBe(cluster.removed.length);
        expect(cluster.mostAtOneTime).toBeLessThanOrEqual(17);
        if (report !== undefined) {
          expect(cluster.left).toEqual([]);
          return;
        }
        expect(error).toBeInstanceOf(DrainError);
        const pending = new Set((error as DrainError).pending.map(({ name }) => `uid-${name}`));
        for (const uid of cluster.left) expect(pending).toContain(uid);
      }),
      { numRuns: 300 },
    ));

  it("an interruption ends it at once, with nothing left behind", () =>
    fc.assert(
      fc.asyncProperty(somePods, someAway, fc.nat({ max: 40_000 }), async (pods, away, abortAtMs) => {
        const { report, error, tookMs, sleeping } = await drain(pods, { away, abortAtMs });
        if (report !== undefined || tookMs < abortAtMs) return;
        expect(tookMs).toBe(abortAtMs);
        expect(error).toMatchObject({ code: "DRAIN_INTERRUPTED" });
        expect(sleeping).toBe(0);
      }),
      { numRuns: 200 },
    ));
});
