import { describe, expect, it } from "vitest";
import { SessionError } from "../../../src/http/errors.ts";
import { createSessionPace, WORDS_PER_MINUTE } from "../../../src/http/session-pace.ts";

describe("what a machine with a session says", () => {
  it("is taken up to the rate, machine by machine, and again as time passes", () => {
    let nowMs = 0;
    const pace = createSessionPace(() => nowMs);
    const refusal = (uid: string): unknown => {
      try {
        pace.take(uid);
        return undefined;
      } catch (error) {
        return error;
      }
    };
    for (let count = 0; count < WORDS_PER_MINUTE; count += 1) expect(refusal("one")).toBeUndefined();
    expect(refusal("one")).toBeInstanceOf(SessionError);
    expect(refusal("one")).toMatchObject({ code: "SESSION_RATE", retry: { afterMs: 60_000 / WORDS_PER_MINUTE } });
    expect(refusal("other")).toBeUndefined();
    nowMs += 60_000 / WORDS_PER_MINUTE;
    expect(refusal("one")).toBeUndefined();
    expect(refusal("one")).toMatchObject({ code: "SESSION_RATE" });
  });
});
