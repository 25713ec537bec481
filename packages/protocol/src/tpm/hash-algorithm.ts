/** The hash algorithms that a TPM structure may name (TPMI_ALG_HASH). */
import { TPM_ALG } from "./constants.ts";
import type { ByteReader } from "./byte-reader.ts";

export type HashAlgorithm = "SHA1" | "SHA256" | "SHA384" | "SHA512";

const BY_ID: ReadonlyMap<number, HashAlgorithm> = new Map([
  [TPM_ALG.SHA1, "SHA1"],
  [TPM_ALG.SHA256, "SHA256"],
  [TPM_ALG.SHA384, "SHA384"],
  [TPM_ALG.SHA512, "SHA512"],
]);

/** The name under which node:crypto knows the algorithm. */
export const NODE_HASH: Readonly<Record<HashAlgorithm, string>> = {
  SHA1: "sha1",
  SHA256: "sha256",
  SHA384: "sha384",
  SHA512: "sha512",
};

/** @throws TpmFormatError TPM_FORMAT_ALGORITHM for anything else, TPM_ALG_NULL included */
export function readHashAlgorithm(reader: ByteReader, field: string): HashAlgorithm {
  const id = reader.readUint16(field);
  const algorithm = BY_ID.get(id);
  if (algorithm === undefined) {
    throw reader.failure("TPM_FORMAT_ALGORITHM", field, `names the unknown hash algorithm 0x${id.toString(16)}`);
  }
  return algorithm;
}
