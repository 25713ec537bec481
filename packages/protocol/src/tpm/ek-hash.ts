/** The identity of a machine: the hash of its TPM's endorsement key. */
import { createHash } from "node:crypto";
import { decodeSubjectPublicKey, encodeSubjectPublicKey } from "./subject-public-key.ts";

/**
 * The hash that rancherd prints with `get-tpm-hash` and that names the machine in its inventory. It is an identifier,
 * not a secret: everybody who can talk to the TPM, and everybody who sees the registration, knows it.
 * @param spkiDer  SubjectPublicKeyInfo of the endorsement key, in any spelling: the hash is taken over the canonical one,
 *                 so a certificate whose key says id-RSAES-OAEP gives the same hash as the key itself
 * @returns        64 lower-case hexadecimal digits
 * @throws TpmFormatError TPM_FORMAT_KEY, TPM_FORMAT_KEY_ALGORITHM
 */
export function ekHash(spkiDer: Uint8Array): string {
  const canonical = encodeSubjectPublicKey(decodeSubjectPublicKey(spkiDer));
  return createHash("sha256").update(canonical).digest("hex");
}
