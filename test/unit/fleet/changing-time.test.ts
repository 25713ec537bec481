import { describe, expect, it } from "vitest";
import { Random } from "../../fuzz/random.ts";
import { scaledClock } from "../../fleet/scaled-clock.ts";
import { ChangingTime } from "../../operator/changing-time.ts";

const BEGAN_MS = 1_000_000;

describe("time that changes its pace", () => {
  it("runs on from where it was, at the new pace", () => {
    const time = new ChangingTime({ realMs: BEGAN_MS, scaledMs: BEGAN_MS, factor: 4 });
    time.change(BEGAN_MS + 1_000, 2);
    expect(time.at(BEGAN_MS + 500)).toBe(BEGAN_MS + 2_000);
    expect(time.factorAt(BEGAN_MS + 500)).toBe(4);
    expect(time.at(BEGAN_MS + 1_000)).toBe(BEGAN_MS + 4_000);
    expect(time.at(BEGAN_MS + 3_000)).toBe(BEGAN_MS + 8_000);
    expect(time.factorAt(BEGAN_MS + 3_000)).toBe(2);
  });

  it("is the same for whoever hears of a change before it counts, and never goes back", () => {
    const seed = Date.now() % 2 ** 31;
    const random = new Random(seed, 0);
    const first = { realMs: BEGAN_MS, scaledMs: BEGAN_MS, factor: 3 };
    const [own, others] = [new ChangingTime(first), new ChangingTime(first)];
    let shown = BEGAN_MS;
    for (let realMs = BEGAN_MS; realMs < BEGAN_MS + 200_000; realMs += random.below(700)) {
      if (random.below(4) === 0) others.add(own.change(realMs + 1_000, 1 + random.below(100) / 10));
      const now = own.at(realMs);
      expect(others.at(realMs), `seed ${seed}`).toBe(now);
      expect(now, `seed ${seed}`).toBeGreaterThanOrEqual(shown);
      shown = now;
    }
  });

  it("is told in whole milliseconds whatever the pace: an agent takes a journal with others for a broken one", () => {
    const clock = scaledClock({ epochMs: Date.now() - 12_345, factor: 1.37 });
    expect(clock.nowMs()).toSatisfy(Number.isInteger);
  });
});
