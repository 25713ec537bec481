import { describe, expect, it } from "vitest";
import { SessionError } from "../../../src/http/errors.ts";
import { ASKS_PER_MINUTE, createSessionPace, WORDS_PER_MINUTE } from "../../../src/http/session-pace.ts";

describe("what a machine with a session says and asks", () => {
  it.each([
    ["takeWord", WORDS_PER_MINUTE],
    ["takeAsk", ASKS_PER_MINUTE],
  ] as const)("is taken up to the rate, machine by machine, and again as time passes: %s", (kind, perMinute) => {
    let nowMs = 0;
    const pace = createSessionPace(() => nowMs);
    const refusal = (uid: string): unknown => {
      try {
        pace[kind](uid);
        return undefined;
      } catch (error) {
        return error;
      }
    };
    for (let count = 0; count < perMinute; count += 1) expect(refusal("one")).toBeUndefined();
    expect(refusal("one")).toBeInstanceOf(SessionError);
    expect(refusal("one")).toMatchObject({ code: "SESSION_RATE", retry: { afterMs: 60_000 / perMinute } });
    expect(refusal("other")).toBeUndefined();
    nowMs += 60_000 / perMinute;
    expect(refusal("one")).toBeUndefined();
    expect(refusal("one")).toMatchObject({ code: "SESSION_RATE" });
  });

  it("is counted apart from what it asks", () => {
    const pace = createSessionPace(() => 0);
    for (let count = 0; count < WORDS_PER_MINUTE; count += 1) pace.takeWord("one");
    for (let count = 0; count < ASKS_PER_MINUTE; count += 1) pace.takeAsk("one");
    expect(() => pace.takeAsk("one")).toThrow("asks more often");
    expect(() => pace.takeWord("one")).toThrow("says more");
  });
});
