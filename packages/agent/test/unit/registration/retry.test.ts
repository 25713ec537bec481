import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { TpmError } from "../../../src/tpm/index.ts";
import { RegistrationError } from "../../../src/registration/errors.ts";
import { daemonRetryDelayMs, retryDelayMs, withRetries, type RetryOutside } from "../../../src/registration/retry.ts";

describe("retryDelayMs", () => {
  it("doubles, spreads over the upper half, and stops growing", () => {
    expect([1, 2, 3, 4].map((failures) => retryDelayMs("backoff", failures, 1))).toEqual([1000, 2000, 4000, 8000]);
    expect([1, 2, 3, 4].map((failures) => retryDelayMs("backoff", failures, 0))).toEqual([500, 1000, 2000, 4000]);
    expect(retryDelayMs("backoff", 50, 1)).toBe(60_000);
  });

  it("is a second at least where the server names none, or a date that our clock takes for past", () => {
    expect([0, 0.5, 1].map((random) => retryDelayMs({ afterMs: 0 }, 1, random))).toEqual([1000, 1250, 1500]);
  });

  it("is never before the time that the server named, and there is none for what stays", () => {
    expect(retryDelayMs("never", 1, 0.5)).toBeUndefined();
    fc.assert(
      fc.property(fc.nat(600_000), fc.double({ min: 0, max: 1, noNaN: true }), (afterMs, random) => {
        const delayMs = retryDelayMs({ afterMs }, 1, random) ?? -1;
        expect(delayMs).toBeGreaterThanOrEqual(afterMs);
        expect(delayMs).toBeLessThanOrEqual(afterMs + 30_000);
      }),
    );
  });
});

/** A clock that only sleeping moves. */
function virtualClock(): RetryOutside & { readonly sleeps: number[] } {
  let nowMs = 0;
  const sleeps: number[] = [];
  return {
    sleeps,
    elapsedMs: () => nowMs,
    random: () => 1,
    sleep: async (delayMs, signal) => {
      signal.throwIfAborted();
      sleeps.push(delayMs);
      nowMs += delayMs;
    },
  };
}

function failing(times: number, error: Error): () => Promise<string> {
  let failures = 0;
  return async () => {
    if (failures++ < times) throw error;
    return `after ${times}`;
  };
}

const LATER = new RegistrationError("REGISTRATION_TRY_LATER", "later");
const SIGNAL = new AbortController().signal;
const ignore = (): void => undefined;

describe("withRetries", () => {
  it("repeats what may go well later, and tells each wait", async () => {
    const clock = virtualClock();
    const told: number[] = [];
    const policy = {
      waitMs: 60_000,
      signal: SIGNAL,
      onRetry: (_error: unknown, delayMs: number) => told.push(delayMs),
    };
    expect(await withRetries(clock, policy, failing(3, LATER))).toBe("after 3");
    expect(clock.sleeps).toEqual([1000, 2000, 4000]);
    expect(told).toEqual(clock.sleeps);
  });

  it("ends with the last error when the next wait would go past the time", async () => {
    const clock = virtualClock();
    const gaveUp: (readonly [attempts: number, afterMs: number])[] = [];
    const onGaveUp = (attempts: number, afterMs: number): void => void gaveUp.push([attempts, afterMs]);
    const policy = { waitMs: 6_999, signal: SIGNAL, onRetry: ignore, onGaveUp };
    await expect(withRetries(clock, policy, failing(99, LATER))).rejects.toBe(LATER);
    expect(clock.sleeps).toEqual([1000, 2000]);
    expect(gaveUp).toEqual([[3, 3000]]);
  });

  it.each([
    { what: "is refused", error: new RegistrationError("REGISTRATION_REFUSED", "no") },
    { what: "is a defect", error: new TypeError("no") },
  ])("does not repeat what $what", async ({ error }) => {
    const clock = virtualClock();
    const policy = { waitMs: 60_000, signal: SIGNAL, onRetry: ignore };
    await expect(withRetries(clock, policy, failing(1, error))).rejects.toBe(error);
    expect(clock.sleeps).toEqual([]);
  });

  it("for ever repeats what only a person can mend as well, and ends for the command line only", async () => {
    const clock = virtualClock();
    const policy = { waitMs: Number.POSITIVE_INFINITY, signal: SIGNAL, onRetry: ignore };
    const refused = new RegistrationError("REGISTRATION_REFUSED", "no");
    expect(await withRetries(clock, policy, failing(6, refused))).toBe("after 6");
    expect(clock.sleeps).toEqual([60_000, 120_000, 240_000, 480_000, 900_000, 900_000]);
    const wrong = new RegistrationError("REGISTRATION_URL_INVALID", "no");
    await expect(withRetries(virtualClock(), policy, failing(1, wrong))).rejects.toBe(wrong);
  });

  it("tries once where no waiting was asked for", async () => {
    const policy = { waitMs: 0, signal: SIGNAL, onRetry: ignore };
    await expect(withRetries(virtualClock(), policy, failing(1, LATER))).rejects.toBe(LATER);
  });

  it("is broken off while it waits", async () => {
    const policy = { waitMs: 60_000, signal: AbortSignal.abort(), onRetry: ignore };
    await expect(withRetries(virtualClock(), policy, failing(1, LATER))).rejects.toMatchObject({
      code: "REGISTRATION_INTERRUPTED",
    });
  });
});

describe("daemonRetryDelayMs", () => {
  it("slows down to fifteen minutes for what only a person can mend, and ends for the command line", () => {
    const delays = (code: "REGISTRATION_DENIED" | "REGISTRATION_UNREACHABLE" | "REGISTRATION_PLAIN_HTTP") =>
      [1, 2, 5, 50].map((failures) => daemonRetryDelayMs(new RegistrationError(code, "so it is"), failures, 1));
    expect(delays("REGISTRATION_DENIED")).toEqual([60_000, 120_000, 900_000, 900_000]);
    expect(delays("REGISTRATION_UNREACHABLE")).toEqual([1000, 2000, 16_000, 60_000]);
    expect(delays("REGISTRATION_PLAIN_HTTP")).toEqual([undefined, undefined, undefined, undefined]);
  });

  it("slows down for a TPM that has no room still after eight attempts, as nobody but a person makes some", () => {
    const full = new TpmError("TPM_NO_ROOM", "full");
    const delays = [1, 8, 9, 10, 50].map((failures) => daemonRetryDelayMs(full, failures, 1));
    expect(delays).toEqual([1000, 60_000, 60_000, 120_000, 900_000]);
  });

  it("spreads machines over the upper half", () => {
    const denied = new RegistrationError("REGISTRATION_DENIED", "no");
    expect(daemonRetryDelayMs(denied, 50, 0)).toBe(450_000);
  });
});
