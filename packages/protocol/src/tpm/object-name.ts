/** The name of a TPM object: what binds a credential to exactly one key with exactly these attributes. */
import { createHash } from "node:crypto";
import { ByteReader } from "./byte-reader.ts";
import { TPM_ALG } from "./constants.ts";
import { NODE_HASH, readHashAlgorithm } from "./hash-algorithm.ts";
import { ByteWriter } from "./byte-writer.ts";

/**
 * @param publicAreaBytes  TPMT_PUBLIC as the TPM made it, without the size of TPM2B_PUBLIC
 * @returns nameAlg (two bytes, big-endian) followed by the nameAlg digest of the public area
 * @throws TpmFormatError if nameAlg is missing or unknown
 * Source: TPM 2.0 Library part 1, 16 (Names)
 */
export function objectName(publicAreaBytes: Uint8Array): Buffer {
  const reader = new ByteReader(publicAreaBytes, "TPMT_PUBLIC");
  reader.readUint16("type");
  const nameAlg = readHashAlgorithm(reader, "nameAlg");
  const digest = createHash(NODE_HASH[nameAlg]).update(publicAreaBytes).digest();
  return new ByteWriter("TPM2B_NAME").writeUint16(TPM_ALG[nameAlg], "nameAlg").writeBytes(digest).finish();
}
