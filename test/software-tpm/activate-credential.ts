/** TPM2_ActivateCredential after the seed is open; written apart from the verifier, so that one checks the other. */
import { createDecipheriv, createHmac } from "node:crypto";
import { ByteReader, unwrapTpm2b } from "@rancheros/protocol/tpm";

/**
 * @param seed            from the endorsement key
 * @param akName          of the loaded attestation key
 * @param credentialBlob  TPM2B_ID_OBJECT
 * @returns the secret
 * @throws Error if the credential is not for this name, like TPM_RC_INTEGRITY
 */
export function openCredential(seed: Buffer, akName: Buffer, credentialBlob: Buffer): Buffer {
  const reader = new ByteReader(unwrapTpm2b(credentialBlob, "TPM2B_ID_OBJECT"), "TPMS_ID_OBJECT");
  const integrity = reader.readSized({ minBytes: 32, maxBytes: 32 }, "integrityHMAC");
  const encrypted = reader.readBytes(reader.remainingBytes, "encIdentity");
  const integrityKey = hmac(seed, "00000001", "INTEGRITY\0", "00000100");
  if (!createHmac("sha256", integrityKey).update(encrypted).update(akName).digest().equals(integrity)) {
    throw new Error("the credential's integrity check fails: it is for another key or was changed");
  }
  const symmetricKey = createHmac("sha256", seed)
    .update("00000001", "hex")
    .update("STORAGE\0")
    .update(akName)
    .update("00000080", "hex")
    .digest()
    .subarray(0, 16);
  const decipher = createDecipheriv("aes-128-cfb", symmetricKey, Buffer.alloc(16));
  return unwrapTpm2b(Buffer.concat([decipher.update(encrypted), decipher.final()]), "TPM2B_DIGEST");
}

function hmac(key: Buffer, counterHex: string, label: string, bitsHex: string): Buffer {
  return createHmac("sha256", key).update(counterHex, "hex").update(label).update(bitsHex, "hex").digest();
}
