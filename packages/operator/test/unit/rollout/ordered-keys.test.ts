import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Expiry } from "../../../src/rollout/expiry.ts";
import { OrderedKeys } from "../../../src/rollout/ordered-keys.ts";

describe("ordered keys", () => {
  it("have the place that they have in a sorted list, whatever is added and taken away", () => {
    const step = fc.record({
      isAdded: fc.boolean(),
      key: fc.nat(400).map((one) => `k${String(one).padStart(3, "0")}`),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 1_500, size: "max" }), (steps) => {
        const keys = new OrderedKeys();
        const model = new Set<string>();
        for (const { isAdded, key } of steps) {
          if (isAdded) keys.add(key);
          else keys.delete(key);
          if (isAdded) model.add(key);
          else model.delete(key);
        }
        const sorted = [...model].sort();
        expect(keys.size).toBe(sorted.length);
        for (const [index, key] of sorted.entries()) expect(keys.rank(key)).toBe(index);
        for (const probe of ["", "k", "k2005", "z"]) {
          expect(keys.rank(probe)).toBe(sorted.filter((key) => key < probe).length);
          expect(keys.has(probe)).toBe(false);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe("expiry", () => {
  it("lets go what was not renewed, at most a bucket late, and never early", () => {
    const step = fc.record({ thing: fc.nat(9), forMs: fc.nat(30_000), passMs: fc.nat(4_000), isDeleted: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const expiry = new Expiry<number>();
        const model = new Map<number, number>();
        let nowMs = 1_000_000;
        for (const { thing, forMs, passMs, isDeleted } of steps) {
          if (isDeleted) {
            expiry.delete(thing);
            model.delete(thing);
          } else {
            expiry.renew(thing, nowMs + forMs);
            model.set(thing, Math.max(model.get(thing) ?? 0, nowMs + forMs));
          }
          nowMs += passMs;
          for (const gone of expiry.expired(nowMs)) {
            expect(model.get(gone)).toBeLessThanOrEqual(nowMs);
            model.delete(gone);
          }
          for (const [one, untilMs] of model) {
            expect(expiry.has(one)).toBe(true);
            expect(untilMs).toBeGreaterThan(nowMs - 4_000);
          }
          expect(expiry.size).toBe(model.size);
        }
      }),
      { numRuns: 200 },
    );
  });
});
