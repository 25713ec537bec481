/** A nonce that no replica has to remember: key id, time, random bytes, and a tag over them. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { NONCE_LIFETIME_MS } from "@rancheros/protocol/attestation";
import { CLOCK_SKEW_MS } from "./clock-skew.ts";
import { SealError } from "./errors.ts";
import { KEY_ID_BYTES, type SealKeys, type SessionKeys } from "./session-keys.ts";

const TIME_BYTES = 6;
const RANDOM_BYTES = 16;
const TAG_BYTES = 16;
const BODY_BYTES = KEY_ID_BYTES + TIME_BYTES + RANDOM_BYTES;
export const NONCE_BYTES = BODY_BYTES + TAG_BYTES;

function tagOf(keys: SealKeys, body: Uint8Array): Buffer {
  return createHmac("sha256", keys.nonce).update(body).digest().subarray(0, TAG_BYTES);
}

/** @returns NONCE_BYTES bytes */
export function sealNonce(keys: SealKeys, nowMs: number, random: (bytes: number) => Buffer): Buffer {
  const time = Buffer.alloc(TIME_BYTES);
  time.writeUIntBE(nowMs, 0, TIME_BYTES);
  const body = Buffer.concat([keys.id, time, random(RANDOM_BYTES)]);
  return Buffer.concat([body, tagOf(keys, body)]);
}

/**
 * Settles when one of the replicas made this nonce, not longer ago than a nonce is good for.
 * @throws SealError NONCE_INVALID, NONCE_EXPIRED
 */
export async function checkNonce(keys: SessionKeys, nonce: Buffer, nowMs: number): Promise<void> {
  const sealed = nonce.length === NONCE_BYTES ? await keys.opening(nonce.subarray(0, KEY_ID_BYTES)) : undefined;
  const body = nonce.subarray(0, BODY_BYTES);
  if (sealed === undefined || !timingSafeEqual(tagOf(sealed, body), nonce.subarray(BODY_BYTES))) {
    throw new SealError("NONCE_INVALID", "the nonce is none of this server's, ask for another");
  }
  const ageMs = nowMs - nonce.readUIntBE(KEY_ID_BYTES, TIME_BYTES);
  if (ageMs > NONCE_LIFETIME_MS || ageMs < -CLOCK_SKEW_MS) {
    throw new SealError("NONCE_EXPIRED", "the nonce is too old, ask for another");
  }
}
