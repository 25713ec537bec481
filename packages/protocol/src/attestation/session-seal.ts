/** Answers to a session that whoever ends TLS on the way is not to read: plans, with their cloud config and credentials. */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { AttestationMessageError } from "./errors.ts";

/** AES-256. */
export const SESSION_KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;

function associated(what: string): Buffer {
  return Buffer.from(`rancheros session v2\0${what}`);
}

/**
 * @param what  names the kind of the answer, so that none passes for another: "plan"
 * @param key   the session's, SESSION_KEY_BYTES long
 * @param iv    12 fresh random bytes
 * @returns     iv, ciphertext and tag of AES-256-GCM
 */
export function sealForSession(plain: Uint8Array, what: string, key: Uint8Array, iv: Uint8Array): Buffer {
  const cipher = createCipheriv("aes-256-gcm", key, iv);
  cipher.setAAD(associated(what));
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** @throws AttestationMessageError SEAL_BROKEN for anything but what sealForSession made with this key for this use */
export function openSessionSeal(sealed: Uint8Array, what: string, key: Uint8Array): Buffer {
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(associated(what));
    decipher.setAuthTag(sealed.subarray(Math.max(IV_BYTES, sealed.byteLength - TAG_BYTES)));
    return Buffer.concat([decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new AttestationMessageError("SEAL_BROKEN", "the answer was not sealed for this session", { cause });
  }
}
