import { randomBytes } from "node:crypto";
import {
  CHALLENGE_LIFETIME_MS,
  NONCE_LIFETIME_MS,
  NONCE_MAX_BYTES,
  SESSION_LIFETIME_MS,
  SESSION_TOKEN_MAX_CHARACTERS,
  STATE_MAX_BYTES,
} from "@rancheros/protocol/attestation";
import { describe, expect, it } from "vitest";
import { openChallengeState, sealChallengeState, type ChallengeState } from "../../../src/session/challenge-state.ts";
import { CLOCK_SKEW_MS } from "../../../src/session/clock-skew.ts";
import { checkNonce, NONCE_BYTES, sealNonce } from "../../../src/session/nonce.ts";
import {
  deriveSealKeys,
  KEY_LIFETIME_MS,
  KEY_OVERLAP_MS,
  rotatedKeys,
  usableKeys,
  type SealKeys,
  type SessionKeys,
} from "../../../src/session/session-keys.ts";
import { openSession, sealSession, sessionSealKey } from "../../../src/session/session-token.ts";

const NOW = 1_780_000_000_000;
const newKeys = (): SealKeys => deriveSealKeys({ id: randomBytes(4), secret: randomBytes(32), madeAtMs: NOW });
const keys = newKeys();
const ring = (...some: readonly SealKeys[]): SessionKeys => ({
  sealing: () => keys,
  opening: async (id) => some.find((one) => one.id.equals(id)),
});
/** Another key under the same id: what a forger would have. */
const forged: SealKeys = { ...newKeys(), id: keys.id };

const STATE: ChallengeState = {
  id: "0123456789abcdef0123456789abcdef",
  issuedAtMs: NOW,
  protocol: 2,
  ekHash: "a".repeat(64),
  akName: randomBytes(34),
  secret: randomBytes(32),
  registration: {
    namespace: "n".repeat(253),
    name: "r".repeat(253),
    uid: "11111111-2222-4333-8444-555555555555",
    tokenDigest: "d".repeat(64),
  },
  trust: "hardware",
  root: "CN=root ".repeat(200),
  certificateSha256: "b".repeat(64),
};
const SUBJECT = { uid: "11111111-2222-4333-8444-555555555555", namespace: "n", name: "m", ekHash: "a".repeat(64) };

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "taken",
    (error: unknown) => (error instanceof Error && "code" in error ? error.code : error),
  );
}

describe("a nonce", () => {
  const nonce = sealNonce(keys, NOW, randomBytes);

  it("is taken as long as it is good, and by a replica whose clock is a little behind", async () => {
    expect(nonce.length).toBe(NONCE_BYTES);
    expect(NONCE_BYTES).toBeLessThanOrEqual(NONCE_MAX_BYTES);
    for (const ageMs of [0, NONCE_LIFETIME_MS, -CLOCK_SKEW_MS]) {
      expect(await codeOf(checkNonce(ring(keys), nonce, NOW + ageMs))).toBe("taken");
    }
    for (const ageMs of [NONCE_LIFETIME_MS + 1, -CLOCK_SKEW_MS - 1]) {
      expect(await codeOf(checkNonce(ring(keys), nonce, NOW + ageMs))).toBe("NONCE_EXPIRED");
    }
  });

  it("is not taken with any byte changed, cut, longer, or of another key", async () => {
    for (let at = 0; at < nonce.length; at += 1) {
      const changed = Buffer.from(nonce);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(await codeOf(checkNonce(ring(keys), changed, NOW))).toBe("NONCE_INVALID");
      expect(await codeOf(checkNonce(ring(keys), nonce.subarray(0, at), NOW))).toBe("NONCE_INVALID");
    }
    expect(await codeOf(checkNonce(ring(keys), Buffer.concat([nonce, Buffer.alloc(1)]), NOW))).toBe("NONCE_INVALID");
    expect(await codeOf(checkNonce(ring(forged), nonce, NOW))).toBe("NONCE_INVALID");
    expect(await codeOf(checkNonce(ring(), nonce, NOW))).toBe("NONCE_INVALID");
  });
});

describe("the state of a challenge", () => {
  const sealed = sealChallengeState(keys, STATE, randomBytes(12));

  it("comes back as it was, and is small enough with the longest names", async () => {
    expect(sealed.length).toBeLessThanOrEqual(STATE_MAX_BYTES);
    const opened = await openChallengeState(ring(keys), sealed, NOW + CHALLENGE_LIFETIME_MS);
    expect(opened).toEqual({ ...STATE, root: STATE.root?.slice(0, 512) });
    const session = { ...STATE, registration: undefined, root: undefined, certificateSha256: undefined };
    const again = sealChallengeState(keys, session, randomBytes(12));
    expect(await openChallengeState(ring(keys), again, NOW)).toEqual(session);
  });

  it("is not taken with any byte changed, cut, of another key, or too late", async () => {
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(await codeOf(openChallengeState(ring(keys), changed, NOW))).toBe("STATE_INVALID");
    }
    for (const length of [0, 4, 31, 32, 33, sealed.length - 1]) {
      expect(await codeOf(openChallengeState(ring(keys), sealed.subarray(0, length), NOW))).toBe("STATE_INVALID");
    }
    expect(await codeOf(openChallengeState(ring(forged), sealed, NOW))).toBe("STATE_INVALID");
    const late = NOW + CHALLENGE_LIFETIME_MS + 1;
    expect(await codeOf(openChallengeState(ring(keys), sealed, late))).toBe("CHALLENGE_EXPIRED");
  });
});

describe("a session token", () => {
  const token = sealSession(keys, SUBJECT, NOW);

  it("names its machine until its time is over, with the longest names too", async () => {
    const longest = sealSession(keys, { ...SUBJECT, namespace: "n".repeat(63), name: "m".repeat(253) }, NOW);
    expect(longest.length).toBeLessThanOrEqual(SESSION_TOKEN_MAX_CHARACTERS);
    expect(await openSession(ring(keys), token, NOW + SESSION_LIFETIME_MS - 1)).toEqual({
      ...SUBJECT,
      sealKey: sessionSealKey(keys, token),
    });
    expect(await codeOf(openSession(ring(keys), token, NOW + SESSION_LIFETIME_MS))).toBe("SESSION_EXPIRED");
    expect(await codeOf(openSession(ring(keys), token, NOW - CLOCK_SKEW_MS - 1))).toBe("SESSION_EXPIRED");
  });

  it("is not taken with any character changed, or of another key", async () => {
    for (let at = 0; at < token.length; at += 1) {
      for (const other of ["A", "B", "_", "."]) {
        const changed = token.slice(0, at) + other + token.slice(at + 1);
        if (changed === token) continue;
        expect(await codeOf(openSession(ring(keys), changed, NOW))).toBe("SESSION_INVALID");
      }
    }
    expect(await codeOf(openSession(ring(forged), token, NOW))).toBe("SESSION_INVALID");
    expect(await codeOf(openSession(ring(), token, NOW))).toBe("SESSION_INVALID");
    expect(await codeOf(openSession(ring(keys), "", NOW))).toBe("SESSION_INVALID");
  });

  it("is no other kind of seal: each has a key of its own", () => {
    const derived = [keys.nonce, keys.state, keys.session].map((key) => key.toString("hex"));
    expect(new Set(derived).size).toBe(3);
  });
});

describe("the keys", () => {
  it("are made anew each day, and the old ones open for a day longer", () => {
    const [first] = rotatedKeys([], NOW, randomBytes) ?? [];
    if (first === undefined) throw new Error("no key was made");
    expect(rotatedKeys([first], NOW + KEY_LIFETIME_MS - 1, randomBytes)).toBeUndefined();
    const both = rotatedKeys([first], NOW + KEY_LIFETIME_MS, randomBytes) ?? [];
    expect(both).toHaveLength(2);
    expect(both[1]).toEqual(first);
    expect(usableKeys(both, NOW + KEY_LIFETIME_MS)[0]).toEqual(both[0]);
    const end = NOW + KEY_LIFETIME_MS + KEY_OVERLAP_MS;
    expect(usableKeys(both, end - 1)).toContain(first);
    expect(usableKeys(both, end)).not.toContain(first);
    expect(rotatedKeys(both, end, randomBytes)).not.toContain(first);
  });

  it("are made anew beside one of a clock that was far ahead, which opens what it has sealed until the next one is made", () => {
    const ahead = { id: randomBytes(4), secret: randomBytes(32), madeAtMs: NOW + 365 * KEY_LIFETIME_MS };
    expect(usableKeys([ahead], NOW)).toEqual([ahead]);
    const both = rotatedKeys([ahead], NOW, randomBytes) ?? [];
    expect(both.map(({ madeAtMs }) => madeAtMs)).toEqual([NOW, ahead.madeAtMs]);
    expect(usableKeys(both.toReversed(), NOW)).toEqual(both);
    expect(rotatedKeys(both, NOW + KEY_LIFETIME_MS - 1, randomBytes)).toBeUndefined();
    const next = rotatedKeys(both, NOW + KEY_LIFETIME_MS, randomBytes) ?? [];
    expect(next.map(({ madeAtMs }) => madeAtMs)).toEqual([NOW + KEY_LIFETIME_MS, NOW]);
  });

  it("of a replica whose clock is a few minutes ahead are those of all", () => {
    const [first] = rotatedKeys([], NOW + 5 * 60_000, randomBytes) ?? [];
    expect(rotatedKeys(first === undefined ? [] : [first], NOW, randomBytes)).toBeUndefined();
  });
});
