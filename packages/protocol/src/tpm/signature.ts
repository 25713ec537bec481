/** TPMT_SIGNATURE: a signature together with the scheme that made it. */
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { TPM_ALG, TPM_MAX } from "./constants.ts";
import { readHashAlgorithm } from "./hash-algorithm.ts";
import type { HashAlgorithm } from "./hash-algorithm.ts";

export interface RsaSignature {
  readonly scheme: "RSASSA" | "RSAPSS";
  readonly hash: HashAlgorithm;
  /** as long as the key's modulus */
  readonly signature: Buffer;
}

export interface EcdsaSignature {
  readonly scheme: "ECDSA";
  readonly hash: HashAlgorithm;
  /** big-endian; a TPM may leave leading zeros out */
  readonly r: Buffer;
  readonly s: Buffer;
}

export type Signature = RsaSignature | EcdsaSignature;

/**
 * @param bytes  TPMT_SIGNATURE
 * @throws TpmFormatError for other schemes, lengths out of bounds, trailing bytes
 * Source: TPM 2.0 Library part 2, 11.3.4
 */
export function decodeSignature(bytes: Uint8Array): Signature {
  const reader = new ByteReader(bytes, "TPMT_SIGNATURE");
  const signature = readSignature(reader);
  reader.finish();
  return signature;
}

/** @returns TPMT_SIGNATURE */
export function encodeSignature(signature: Signature): Buffer {
  const writer = new ByteWriter("TPMT_SIGNATURE")
    .writeUint16(TPM_ALG[signature.scheme], "sigAlg")
    .writeUint16(TPM_ALG[signature.hash], "hash");
  if (signature.scheme === "ECDSA") {
    return writer.writeSized(signature.r, "signatureR").writeSized(signature.s, "signatureS").finish();
  }
  return writer.writeSized(signature.signature, "sig").finish();
}

function readSignature(reader: ByteReader): Signature {
  const id = reader.readUint16("sigAlg");
  switch (id) {
    case TPM_ALG.RSASSA:
      return readRsaSignature(reader, "RSASSA");
    case TPM_ALG.RSAPSS:
      return readRsaSignature(reader, "RSAPSS");
    case TPM_ALG.ECDSA: {
      const bounds = { minBytes: 1, maxBytes: TPM_MAX.ECC_PARAMETER_BYTES };
      const hash = readHashAlgorithm(reader, "hash");
      const r = reader.readSized(bounds, "signatureR");
      const s = reader.readSized(bounds, "signatureS");
      return { scheme: "ECDSA", hash, r, s };
    }
    default:
      throw reader.failure("TPM_FORMAT_ALGORITHM", "sigAlg", `0x${id.toString(16)} is not a supported scheme`);
  }
}

function readRsaSignature(reader: ByteReader, scheme: "RSASSA" | "RSAPSS"): RsaSignature {
  const hash = readHashAlgorithm(reader, "hash");
  return { scheme, hash, signature: reader.readSized({ minBytes: 1, maxBytes: TPM_MAX.RSA_KEY_BYTES }, "sig") };
}
