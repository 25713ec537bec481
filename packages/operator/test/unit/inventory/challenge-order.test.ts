import { CHALLENGE_LIFETIME_MS } from "@rancheros/protocol/attestation";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { challengeText, isLaterChallenge, nextChallengeMs } from "../../../src/inventory/index.ts";
import { CLOCK_SKEW_MS } from "../../../src/session/index.ts";

const NOW_MS = Date.parse("2030-01-01T12:00:00Z");
const DAY_MS = 86_400_000;
const mark = (issuedAtMs: number, digit = "a") => ({ issuedAtMs, id: digit.repeat(32) });

describe("the later of two challenges", () => {
  it("is the one that was issued later, or of two of one moment the one of the greater id", () => {
    expect(isLaterChallenge(mark(NOW_MS), challengeText(mark(NOW_MS - 1)))).toBe(true);
    expect(isLaterChallenge(mark(NOW_MS), challengeText(mark(NOW_MS + 1)))).toBe(false);
    expect(isLaterChallenge(mark(NOW_MS), challengeText(mark(NOW_MS)))).toBe(false);
    expect(isLaterChallenge(mark(NOW_MS, "b"), challengeText(mark(NOW_MS)))).toBe(true);
    expect(isLaterChallenge(mark(NOW_MS), challengeText(mark(NOW_MS, "b")))).toBe(false);
  });

  it.each([undefined, "", "soon", `${NOW_MS}`, `-1.${"a".repeat(32)}`])("is any beside %j", (remembered) => {
    expect(isLaterChallenge(mark(NOW_MS), remembered)).toBe(true);
  });

  it("is any beside one of a time that no replica could have been at: its clock was wrong", () => {
    for (const aheadMs of [5 * 60_000, DAY_MS, 400 * DAY_MS]) {
      expect(isLaterChallenge(mark(NOW_MS), challengeText(mark(NOW_MS + aheadMs)))).toBe(true);
    }
  });

  it("is never the older of two that can both be answered, at any two replicas", () => {
    const age = fc.integer({ min: -CLOCK_SKEW_MS, max: CHALLENGE_LIFETIME_MS });
    fc.assert(
      fc.property(age, age, fc.integer({ min: -CLOCK_SKEW_MS, max: CLOCK_SKEW_MS }), (one, other, apartMs) => {
        // Two replicas, of which the second takes it for so much later, each with a challenge that it takes.
        const [first, second] = [mark(NOW_MS - one), mark(NOW_MS + apartMs - other, "b")];
        const [older, newer] = first.issuedAtMs < second.issuedAtMs ? [first, second] : [second, first];
        fc.pre(older.issuedAtMs < newer.issuedAtMs);
        expect(isLaterChallenge(older, challengeText(newer))).toBe(false);
        expect(isLaterChallenge(newer, challengeText(older))).toBe(true);
      }),
    );
  });
});

describe("the time of a machine's next challenge", () => {
  it("is now where what it answered before is past", () => {
    expect(nextChallengeMs(NOW_MS, [undefined, undefined])).toBe(NOW_MS);
    expect(nextChallengeMs(NOW_MS, [challengeText(mark(NOW_MS - 1)), "nonsense"])).toBe(NOW_MS);
  });

  it("comes after what it answered at a replica that is ahead, and is not too far ahead for any other one", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -DAY_MS, max: CLOCK_SKEW_MS - 1 })), (ahead) => {
        const remembered = ahead.map((ms) => challengeText(mark(NOW_MS + ms, "f")));
        const issuedAtMs = nextChallengeMs(NOW_MS, remembered);
        expect(issuedAtMs).toBeGreaterThanOrEqual(NOW_MS);
        expect(issuedAtMs - NOW_MS).toBeLessThanOrEqual(CLOCK_SKEW_MS);
        for (const one of remembered) expect(isLaterChallenge(mark(issuedAtMs), one)).toBe(true);
      }),
    );
  });

  it("is now where a replica whose clock was wrong saw it in days to come", () => {
    for (const ms of [CLOCK_SKEW_MS, DAY_MS]) {
      expect(nextChallengeMs(NOW_MS, [challengeText(mark(NOW_MS + ms))])).toBe(NOW_MS);
    }
  });
});
