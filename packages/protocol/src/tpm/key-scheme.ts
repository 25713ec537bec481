/** The schemes inside TPMT_PUBLIC: symmetric cipher, signing or encryption scheme, key derivation (part 2, 11.1, 11.2). */
import { TPM_ALG } from "./constants.ts";
import { readHashAlgorithm } from "./hash-algorithm.ts";
import type { HashAlgorithm } from "./hash-algorithm.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";

/** TPMT_SYM_DEF_OBJECT: how a storage key protects its children; NULL for every other key. */
export type SymmetricDefinition =
  | { readonly algorithm: "NULL" }
  | { readonly algorithm: "AES"; readonly keyBits: 128 | 192 | 256; readonly mode: "CFB" };

/** TPMT_RSA_SCHEME. */
export type RsaScheme =
  | { readonly scheme: "NULL" }
  | { readonly scheme: "RSAES" }
  | { readonly scheme: "RSASSA" | "RSAPSS" | "OAEP"; readonly hash: HashAlgorithm };

/** TPMT_ECC_SCHEME. */
export type EccScheme =
  { readonly scheme: "NULL" } | { readonly scheme: "ECDSA" | "ECDH"; readonly hash: HashAlgorithm };

/** TPMT_KDF_SCHEME. */
export type KdfScheme =
  | { readonly scheme: "NULL" }
  | { readonly scheme: "MGF1" | "KDF1_SP800_56A" | "KDF2" | "KDF1_SP800_108"; readonly hash: HashAlgorithm };

export function readSymmetric(reader: ByteReader): SymmetricDefinition {
  const algorithm = reader.readUint16("symmetric.algorithm");
  if (algorithm === TPM_ALG.NULL) {
    return { algorithm: "NULL" };
  }
  if (algorithm !== TPM_ALG.AES) {
    throw reader.failure("TPM_FORMAT_ALGORITHM", "symmetric.algorithm", `0x${algorithm.toString(16)} is not supported`);
  }
  const keyBits = reader.readUint16("symmetric.keyBits");
  if (keyBits !== 128 && keyBits !== 192 && keyBits !== 256) {
    throw reader.failure("TPM_FORMAT_VALUE", "symmetric.keyBits", `${String(keyBits)} is no AES key size`);
  }
  const mode = reader.readUint16("symmetric.mode");
  if (mode !== TPM_ALG.CFB) {
    throw reader.failure("TPM_FORMAT_ALGORITHM", "symmetric.mode", `0x${mode.toString(16)} is not CFB`);
  }
  return { algorithm: "AES", keyBits, mode: "CFB" };
}

export function writeSymmetric(writer: ByteWriter, symmetric: SymmetricDefinition): void {
  writer.writeUint16(TPM_ALG[symmetric.algorithm], "symmetric.algorithm");
  if (symmetric.algorithm === "AES") {
    writer.writeUint16(symmetric.keyBits, "symmetric.keyBits").writeUint16(TPM_ALG.CFB, "symmetric.mode");
  }
}

export function readRsaScheme(reader: ByteReader): RsaScheme {
  const id = reader.readUint16("scheme");
  switch (id) {
    case TPM_ALG.NULL:
      return { scheme: "NULL" };
    case TPM_ALG.RSAES:
      return { scheme: "RSAES" };
    case TPM_ALG.RSASSA:
      return { scheme: "RSASSA", hash: readHashAlgorithm(reader, "scheme.hash") };
    case TPM_ALG.RSAPSS:
      return { scheme: "RSAPSS", hash: readHashAlgorithm(reader, "scheme.hash") };
    case TPM_ALG.OAEP:
      return { scheme: "OAEP", hash: readHashAlgorithm(reader, "scheme.hash") };
    default:
      throw reader.failure("TPM_FORMAT_ALGORITHM", "scheme", `0x${id.toString(16)} is no RSA scheme`);
  }
}

export function readEccScheme(reader: ByteReader): EccScheme {
  const id = reader.readUint16("scheme");
  switch (id) {
    case TPM_ALG.NULL:
      return { scheme: "NULL" };
    case TPM_ALG.ECDSA:
      return { scheme: "ECDSA", hash: readHashAlgorithm(reader, "scheme.hash") };
    case TPM_ALG.ECDH:
      return { scheme: "ECDH", hash: readHashAlgorithm(reader, "scheme.hash") };
    default:
      throw reader.failure("TPM_FORMAT_ALGORITHM", "scheme", `0x${id.toString(16)} is not a supported ECC scheme`);
  }
}

export function readKdfScheme(reader: ByteReader): KdfScheme {
  const id = reader.readUint16("kdf");
  switch (id) {
    case TPM_ALG.NULL:
      return { scheme: "NULL" };
    case TPM_ALG.MGF1:
      return { scheme: "MGF1", hash: readHashAlgorithm(reader, "kdf.hash") };
    case TPM_ALG.KDF1_SP800_56A:
      return { scheme: "KDF1_SP800_56A", hash: readHashAlgorithm(reader, "kdf.hash") };
    case TPM_ALG.KDF2:
      return { scheme: "KDF2", hash: readHashAlgorithm(reader, "kdf.hash") };
    case TPM_ALG.KDF1_SP800_108:
      return { scheme: "KDF1_SP800_108", hash: readHashAlgorithm(reader, "kdf.hash") };
    default:
      throw reader.failure("TPM_FORMAT_ALGORITHM", "kdf", `0x${id.toString(16)} is no key derivation scheme`);
  }
}

/** Writes any of the three kinds of scheme: an algorithm and, unless it takes none, its hash. */
export function writeScheme(writer: ByteWriter, scheme: RsaScheme | EccScheme | KdfScheme, field: string): void {
  writer.writeUint16(TPM_ALG[scheme.scheme], field);
  if ("hash" in scheme) {
    writer.writeUint16(TPM_ALG[scheme.hash], `${field}.hash`);
  }
}
