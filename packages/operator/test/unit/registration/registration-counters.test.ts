import { describe, expect, it } from "vitest";
import { counterPatch, RefusalCounter } from "../../../src/registration/registration-counters.ts";

describe("RefusalCounter", () => {
  it("loses nothing that comes while it is being written, and counts nothing twice", () => {
    const counter = new RefusalCounter();
    counter.note("n/a", "EK_MALFORMED", 0);
    counter.note("n/a", "REGISTRATION_FULL", 1_000);
    const first = counter.waiting("n/a");
    expect(first).toEqual({ count: 2, last: { reason: "REGISTRATION_FULL", time: "1970-01-01T00:00:01Z" } });
    counter.note("n/a", "REGISTRATION_RATE", 2_000);
    if (first !== undefined) counter.written("n/a", first);
    const second = counter.waiting("n/a");
    expect(second).toEqual({ count: 1, last: { reason: "REGISTRATION_RATE", time: "1970-01-01T00:00:02Z" } });
    if (second !== undefined) counter.written("n/a", second);
    expect(counter.waiting("n/a")).toBeUndefined();
  });
});

describe("counterPatch", () => {
  const last = { reason: "REGISTRATION_FULL", time: "1970-01-01T00:00:01Z" };
  it("writes nothing where nothing has changed", () => {
    expect(counterPatch({ machineCount: 1, pendingCount: 0 }, { machines: 1, pending: 0 }, undefined)).toBeUndefined();
    expect(counterPatch(undefined, undefined, undefined)).toBeUndefined();
  });
  it.each([2 ** 53, 2 ** 63 - 1024, 2 ** 63])(
    "stays what Kubernetes stores where somebody has written %d",
    (refusedCount) => {
      const patch = counterPatch({ refusedCount }, { machines: 2, pending: 1 }, { count: 3, last });
      expect(patch).toMatchObject({ machineCount: 2, lastRefusal: last });
      // An int64, in the digits that are sent.
      expect(BigInt(JSON.stringify(patch?.refusedCount))).toBeLessThan(2n ** 63n);
    },
  );
  it("adds refusals to those that are there", () => {
    expect(counterPatch({ refusedCount: 5 }, { machines: 2, pending: 1 }, { count: 3, last })).toEqual({
      machineCount: 2,
      pendingCount: 1,
      refusedCount: 8,
      lastRefusal: last,
    });
  });
});
