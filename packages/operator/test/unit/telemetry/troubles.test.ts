import { describe, expect, it } from "vitest";
import { createTroubles } from "../../../src/telemetry/index.ts";

describe("troubles", () => {
  it("are news when they begin, when they change, and after an hour", () => {
    let nowMs = 0;
    const troubles = createTroubles(() => nowMs);
    const say = (words: string): boolean => troubles.isNews("a/b", words);
    expect([say("one"), say("one"), say("two"), say("one"), say("one")]).toEqual([true, false, true, true, false]);
    nowMs = 3_599_999;
    expect(say("one")).toBe(false);
    nowMs = 3_600_000;
    expect([say("one"), say("one")]).toEqual([true, false]);
  });

  it("are told apart by their object, and are news again once they were over", () => {
    const troubles = createTroubles(() => 0);
    expect([troubles.isNews("a", "x"), troubles.isNews("b", "x")]).toEqual([true, true]);
    troubles.over("a");
    expect([troubles.isNews("a", "x"), troubles.isNews("b", "x")]).toEqual([true, false]);
  });

  it("of more than a thousand objects are forgotten, those first that were said longest ago", () => {
    const troubles = createTroubles(() => 0);
    for (let number = 0; number <= 1_000; number += 1) troubles.isNews(String(number), "x");
    expect([troubles.isNews("1000", "x"), troubles.isNews("1", "x"), troubles.isNews("0", "x")]).toEqual([
      false,
      false,
      true,
    ]);
  });
});
