/** The keys behind nonces, states and sessions: shared by all replicas, made anew each day, good for a day longer. */
import { hkdfSync } from "node:crypto";

export const KEY_ID_BYTES = 4;
export const KEY_SECRET_BYTES = 32;
/** How long a key makes new seals, and how long after that those are still taken. */
export const KEY_LIFETIME_MS = 24 * 3_600_000;
export const KEY_OVERLAP_MS = 24 * 3_600_000;
/** Whoever made a key that is further ahead had a wrong clock, or the API server had: it would be the newest until that time. */
const AHEAD_MAX_MS = 3_600_000;

/** One master key. */
export interface SessionKey {
  readonly id: Buffer;
  readonly secret: Buffer;
  readonly madeAtMs: number;
}

/** What is derived from one master key: one key for each use, so that no seal can pass for another kind. */
export interface SealKeys {
  readonly id: Buffer;
  readonly nonce: Buffer;
  readonly state: Buffer;
  readonly session: Buffer;
}

/** The keys as sealing and opening need them. */
export interface SessionKeys {
  /** The newest. @throws SealError SESSION_KEYS_MISSING */
  sealing(): SealKeys;
  /**
   * The one of this id, another replica's new one included; undefined where there is none, or none any more.
   * @throws SealError SESSION_KEYS_MISSING where too many wait for it; KubernetesError
   */
  opening(id: Uint8Array): Promise<SealKeys | undefined>;
}

/** HKDF-SHA-256 of the master key. */
export function deriveSealKeys(key: SessionKey): SealKeys {
  const derive = (use: string): Buffer =>
    Buffer.from(hkdfSync("sha256", key.secret, key.id, `rancheros ${use} v2`, KEY_SECRET_BYTES));
  return { id: key.id, nonce: derive("nonce"), state: derive("state"), session: derive("session") };
}

function isAhead({ madeAtMs }: SessionKey, nowMs: number): boolean {
  return madeAtMs - nowMs > AHEAD_MAX_MS;
}

/** Keys that still open something, the newest first, and those of a time that is far ahead last. */
export function usableKeys(keys: readonly SessionKey[], nowMs: number): readonly SessionKey[] {
  const rank = (key: SessionKey): number => (isAhead(key, nowMs) ? 1 : 0);
  return keys
    .filter((key) => nowMs - key.madeAtMs < KEY_LIFETIME_MS + KEY_OVERLAP_MS)
    .toSorted((a, b) => rank(a) - rank(b) || b.madeAtMs - a.madeAtMs);
}

/**
 * What the keys should be now: without those that open nothing any more, with a new one where the newest is a day old. One of
 * a time that is far ahead has sealed while there was no other, and goes with the next new one after that.
 * @param random  of cryptographic quality
 * @returns undefined where nothing is to be changed
 */
export function rotatedKeys(
  keys: readonly SessionKey[],
  nowMs: number,
  random: (bytes: number) => Buffer,
): readonly SessionKey[] | undefined {
  const usable = usableKeys(keys, nowMs);
  const inTime = usable.filter((key) => !isAhead(key, nowMs));
  const [newest] = inTime;
  if (newest !== undefined && nowMs - newest.madeAtMs < KEY_LIFETIME_MS) return undefined;
  const kept = newest === undefined ? usable : inTime;
  return [{ id: random(KEY_ID_BYTES), secret: random(KEY_SECRET_BYTES), madeAtMs: nowMs }, ...kept];
}
