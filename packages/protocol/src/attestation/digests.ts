/** What both sides compute alike: the attestation's qualifying data, and the keys that an activated secret gives. */
import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { AttestationMessageError } from "./errors.ts";
import { DIGEST_BYTES } from "./limits.ts";

const QUALIFYING_LABEL = "rancheros attestation v2\0";
const PROOF_INFO = "rancheros proof v2";
const ANSWER_INFO = "rancheros answer v2";
const IV_BYTES = 12;
const TAG_BYTES = 16;

function sha256(...parts: readonly (Uint8Array | string)[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** The channel of a connection without TLS, which a server takes only where a setting names it. */
export const NO_CHANNEL: Buffer = Buffer.alloc(DIGEST_BYTES);

/**
 * Names the TLS key that a machine has in front of it.
 * @param spkiDer  SubjectPublicKeyInfo of the server's certificate, as it stands there
 * @returns        SHA-256, 32 bytes
 */
export function channelOf(spkiDer: Uint8Array): Buffer {
  return sha256(spkiDer);
}

/**
 * What TPM2_CertifyCreation is given: it binds the attestation to the server's nonce and to the server's TLS key, so that
 * whoever passes it on to another server, or stands in between, is found out.
 * @param nonce    as the server sent it
 * @param channel  see channelOf; 32 bytes
 * @returns        32 bytes: the most that every TPM takes
 */
export function qualifyingData(nonce: Uint8Array, channel: Uint8Array): Buffer {
  return sha256(QUALIFYING_LABEL, sha256(nonce), channel);
}

function derive(secret: Uint8Array, state: Uint8Array, info: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, sha256(state), info, DIGEST_BYTES));
}

/**
 * Shows that the TPM gave up the secret, without showing the secret, and vouches for the report beside it.
 * @param secret  that the TPM activated
 * @param state   the server's sealed state, as received
 * @param report  bytes of the report; empty where there is none
 * @returns       HMAC-SHA-256, 32 bytes
 */
export function answerProof(secret: Uint8Array, state: Uint8Array, report: Uint8Array): Buffer {
  return createHmac("sha256", derive(secret, state, PROOF_INFO))
    .update(sha256(state))
    .update(sha256(report))
    .digest();
}

/** Compares a proof in time that does not depend on where it differs. */
export function isAnswerProof(proof: Uint8Array, secret: Uint8Array, state: Uint8Array, report: Uint8Array): boolean {
  return proof.byteLength === DIGEST_BYTES && timingSafeEqual(proof, answerProof(secret, state, report));
}

/**
 * Encrypts the server's last word under the activated secret: who ends TLS on the way cannot read it.
 * @param iv  12 fresh random bytes
 * @returns   iv, ciphertext and tag of AES-256-GCM, with state and proof as associated data
 */
export function sealAnswer(
  plain: Uint8Array,
  secret: Uint8Array,
  exchange: { readonly state: Uint8Array; readonly proof: Uint8Array },
  iv: Uint8Array,
): Buffer {
  const cipher = createCipheriv("aes-256-gcm", derive(secret, exchange.state, ANSWER_INFO), iv);
  cipher.setAAD(sha256(sha256(exchange.state), sha256(exchange.proof)));
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** @throws AttestationMessageError SEAL_BROKEN for anything but what sealAnswer made of the same secret and exchange */
export function openAnswer(
  sealed: Uint8Array,
  secret: Uint8Array,
  exchange: { readonly state: Uint8Array; readonly proof: Uint8Array },
): Buffer {
  if (sealed.byteLength < IV_BYTES + TAG_BYTES) throw broken();
  const key = derive(secret, exchange.state, ANSWER_INFO);
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(sha256(sha256(exchange.state), sha256(exchange.proof)));
  decipher.setAuthTag(sealed.subarray(sealed.byteLength - TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(IV_BYTES, sealed.byteLength - TAG_BYTES)), decipher.final()]);
  } catch {
    throw broken();
  }
}

function broken(): AttestationMessageError {
  return new AttestationMessageError("SEAL_BROKEN", "the answer was not sealed for this machine's secret");
}
