/** The file in which tpm2_activatecredential takes a challenge. */

import { ByteReader } from "@rancheros/protocol/tpm";

import { TpmError } from "./errors.ts";

/** Every file of tpm2-tools starts so. */
const MAGIC = 0xbadcc0de;
const VERSION = 1;

/** TPM2B_ID_OBJECT: HMAC and encrypted secret, each at most one SHA-512 with its size. */
const MAX_ID_OBJECT_BYTES = 2 * (2 + 64);
/** TPM2B_ENCRYPTED_SECRET: one RSA-4096 block. */
const MAX_ENCRYPTED_SECRET_BYTES = 512;

/**
 * @param credentialBlob   TPM2B_ID_OBJECT with its size
 * @param encryptedSecret  TPM2B_ENCRYPTED_SECRET with its size
 * @throws TpmError TPM_CHALLENGE_MALFORMED when a size does not fit its bytes
 * Source: tpm2-tools 5.4, output of tpm2_makecredential: magic, version 1, then the two structures
 */
export function encodeCredentialFile(credentialBlob: Uint8Array, encryptedSecret: Uint8Array): Buffer {
  requireSized(credentialBlob, "TPM2B_ID_OBJECT", MAX_ID_OBJECT_BYTES);
  requireSized(encryptedSecret, "TPM2B_ENCRYPTED_SECRET", MAX_ENCRYPTED_SECRET_BYTES);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(MAGIC, 0);
  header.writeUInt32BE(VERSION, 4);
  return Buffer.concat([header, credentialBlob, encryptedSecret]);
}

function requireSized(bytes: Uint8Array, structure: string, maxBytes: number): void {
  try {
    const reader = new ByteReader(bytes, structure);
    reader.readSized({ minBytes: 1, maxBytes }, "size");
    reader.finish();
  } catch (cause) {
    throw new TpmError("TPM_CHALLENGE_MALFORMED", `the server's challenge holds no ${structure}`, { cause });
  }
}
