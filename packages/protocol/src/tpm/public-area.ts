/** TPMT_PUBLIC, the public half of a TPM key: what decides its name, and what its holder may do with it. */
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { TPM_ALG, TPM_ECC, TPM_MAX } from "./constants.ts";
import { readHashAlgorithm } from "./hash-algorithm.ts";
import {
  readEccScheme,
  readKdfScheme,
  readRsaScheme,
  readSymmetric,
  writeScheme,
  writeSymmetric,
} from "./key-scheme.ts";
import type { HashAlgorithm } from "./hash-algorithm.ts";
import type { EccScheme, KdfScheme, RsaScheme, SymmetricDefinition } from "./key-scheme.ts";

interface PublicAreaHead {
  readonly nameAlg: HashAlgorithm;
  /** bits of TPMA_OBJECT */
  readonly objectAttributes: number;
  /** empty, or one digest of `nameAlg` */
  readonly authPolicy: Buffer;
}

export interface RsaPublicArea extends PublicAreaHead {
  readonly type: "RSA";
  readonly symmetric: SymmetricDefinition;
  readonly scheme: RsaScheme;
  readonly keyBits: RsaKeyBits;
  /** 0 stands for 65537 */
  readonly exponent: number;
  /** big-endian; in a template all zero or empty */
  readonly modulus: Buffer;
}

export interface EccPublicArea extends PublicAreaHead {
  readonly type: "ECC";
  readonly symmetric: SymmetricDefinition;
  readonly scheme: EccScheme;
  readonly curve: EccCurve;
  readonly kdf: KdfScheme;
  /** big-endian coordinates as they stand in the structure, leading zeros kept */
  readonly x: Buffer;
  readonly y: Buffer;
}

export type PublicArea = RsaPublicArea | EccPublicArea;

export type RsaKeyBits = 1024 | 2048 | 3072 | 4096;
export type EccCurve = "NIST_P256" | "NIST_P384" | "NIST_P521";

const COORDINATE_BYTES: Readonly<Record<EccCurve, number>> = { NIST_P256: 32, NIST_P384: 48, NIST_P521: 66 };
const POLICY_BYTES: Readonly<Record<HashAlgorithm, number>> = { SHA1: 20, SHA256: 32, SHA384: 48, SHA512: 64 };

/**
 * @param bytes  TPMT_PUBLIC without the size of TPM2B_PUBLIC; at most about 700 bytes can be valid
 * @returns      views into `bytes`
 * @throws TpmFormatError for key types other than RSA and ECC, unknown algorithms, lengths out of bounds, trailing bytes
 * Source: TPM 2.0 Library part 2, 12.2.4
 */
export function decodePublicArea(bytes: Uint8Array): PublicArea {
  const reader = new ByteReader(bytes, "TPMT_PUBLIC");
  const type = reader.readUint16("type");
  if (type !== TPM_ALG.RSA && type !== TPM_ALG.ECC) {
    throw reader.failure("TPM_FORMAT_ALGORITHM", "type", `0x${type.toString(16)} is neither RSA nor ECC`);
  }
  const nameAlg = readHashAlgorithm(reader, "nameAlg");
  const objectAttributes = reader.readUint32("objectAttributes");
  const authPolicy = reader.readSized({ maxBytes: POLICY_BYTES[nameAlg] }, "authPolicy");
  if (authPolicy.length !== 0 && authPolicy.length !== POLICY_BYTES[nameAlg]) {
    throw reader.failure("TPM_FORMAT_LENGTH", "authPolicy", "is neither empty nor one digest of nameAlg");
  }
  const head = { nameAlg, objectAttributes, authPolicy };
  const area = type === TPM_ALG.RSA ? readRsa(reader, head) : readEcc(reader, head);
  reader.finish();
  return area;
}

/** @returns TPMT_PUBLIC without the size of TPM2B_PUBLIC; the exact bytes that `decodePublicArea` was given */
export function encodePublicArea(area: PublicArea): Buffer {
  const writer = new ByteWriter("TPMT_PUBLIC")
    .writeUint16(TPM_ALG[area.type], "type")
    .writeUint16(TPM_ALG[area.nameAlg], "nameAlg")
    .writeUint32(area.objectAttributes, "objectAttributes")
    .writeSized(area.authPolicy, "authPolicy");
  writeSymmetric(writer, area.symmetric);
  writeScheme(writer, area.scheme, "scheme");
  switch (area.type) {
    case "RSA":
      writer
        .writeUint16(area.keyBits, "keyBits")
        .writeUint32(area.exponent, "exponent")
        .writeSized(area.modulus, "unique.rsa");
      break;
    case "ECC":
      writer.writeUint16(TPM_ECC[area.curve], "curveID");
      writeScheme(writer, area.kdf, "kdf");
      writer.writeSized(area.x, "unique.x").writeSized(area.y, "unique.y");
      break;
  }
  return writer.finish();
}

function readRsa(reader: ByteReader, head: PublicAreaHead): RsaPublicArea {
  const symmetric = readSymmetric(reader);
  const scheme = readRsaScheme(reader);
  const keyBits = reader.readUint16("keyBits");
  if (keyBits !== 1024 && keyBits !== 2048 && keyBits !== 3072 && keyBits !== 4096) {
    throw reader.failure("TPM_FORMAT_VALUE", "keyBits", `${String(keyBits)} is no RSA key size of a TPM`);
  }
  const exponent = reader.readUint32("exponent");
  const modulus = reader.readSized({ maxBytes: Math.min(keyBits / 8, TPM_MAX.RSA_KEY_BYTES) }, "unique.rsa");
  return { type: "RSA", ...head, symmetric, scheme, keyBits, exponent, modulus };
}

function readEcc(reader: ByteReader, head: PublicAreaHead): EccPublicArea {
  const symmetric = readSymmetric(reader);
  const scheme = readEccScheme(reader);
  const curve = readCurve(reader);
  const kdf = readKdfScheme(reader);
  const maxBytes = COORDINATE_BYTES[curve];
  const x = reader.readSized({ maxBytes }, "unique.x");
  const y = reader.readSized({ maxBytes }, "unique.y");
  return { type: "ECC", ...head, symmetric, scheme, curve, kdf, x, y };
}

function readCurve(reader: ByteReader): EccCurve {
  const id = reader.readUint16("curveID");
  switch (id) {
    case TPM_ECC.NIST_P256:
      return "NIST_P256";
    case TPM_ECC.NIST_P384:
      return "NIST_P384";
    case TPM_ECC.NIST_P521:
      return "NIST_P521";
    default:
      throw reader.failure("TPM_FORMAT_ALGORITHM", "curveID", `0x${id.toString(16)} is not a supported curve`);
  }
}
