import { describe, expect, it } from "vitest";
import { nextFactor, pressuresOf } from "../../../bench/next-factor.ts";

/** Looks until it has settled on a machine on which each of these costs so much of a core at the clock's own speed. */
function settle(generator: number, operator: number, factor: number): { factor: number; what: string } {
  let what = "";
  for (let look = 0; look < 100; look += 1) {
    const load = {
      generatorShare: generator * factor,
      operatorShare: operator * factor,
      requestMs: 5 * factor,
      others: 0,
    };
    const [strongest] = pressuresOf(load);
    what = strongest?.what ?? "";
    factor = nextFactor(factor, strongest?.value ?? 0, 10);
  }
  return { factor, what };
}

describe("the pace of a fleet's clock", () => {
  it("settles where the busier of both has little left, from above and from below, and says which", () => {
    for (const from of [1, 10]) {
      const { factor, what } = settle(0.1, 0.2, from);
      expect(factor * 0.2).toBeCloseTo(0.85, 2);
      expect(what).toBe("the operator");
      expect(settle(0.3, 0.2, from).what).toBe("the load generator");
    }
  });

  it("is as fast as it may be where nothing holds it back, and never slower than the real one", () => {
    expect(settle(0.001, 0.001, 4).factor).toBe(10);
    expect(settle(2, 2, 4).factor).toBe(1);
  });

  it("slows down where requests take long, whoever keeps the processors busy", () => {
    const late = { generatorShare: 0.1, operatorShare: 0.1, requestMs: 5_000 };
    const [strongest] = pressuresOf({ ...late, others: 1.5 });
    expect(strongest).toEqual({ what: "other work on this machine", value: expect.closeTo(16.7, 1) as number });
    expect(pressuresOf({ ...late, others: 0 })[0]?.what).toBe("slow requests");
    expect(nextFactor(4, strongest?.value ?? 0, 10)).toBeCloseTo(2.8);
  });
});
