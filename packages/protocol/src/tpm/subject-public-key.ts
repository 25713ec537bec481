/** SubjectPublicKeyInfo of the keys that endorse a TPM: read tolerantly, written in exactly one way. */
import { DER_TAG, DerReader, encodeDer, encodeDerInteger, trimLeadingZeros } from "./der.ts";
import { TPM_MAX } from "./constants.ts";

export interface RsaSubjectPublicKey {
  readonly type: "rsa";
  /** length of the modulus in bits, without leading zeros */
  readonly bits: number;
  /** big-endian, without leading zeros */
  readonly modulus: Buffer;
  readonly exponent: number;
}

export interface EcSubjectPublicKey {
  readonly type: "ec";
  readonly curve: "P-256";
  /** big-endian, 32 bytes each; whether the point is on the curve is not checked here */
  readonly x: Buffer;
  readonly y: Buffer;
}

export type SubjectPublicKey = RsaSubjectPublicKey | EcSubjectPublicKey;

/** 1.2.840.113549.1.1.1 rsaEncryption, RFC 8017 appendix C */
const OID_RSA_ENCRYPTION = Buffer.from("2a864886f70d010101", "hex");
/** 1.2.840.113549.1.1.7 id-RSAES-OAEP: allowed for endorsement keys by the TCG EK Credential Profile */
const OID_RSAES_OAEP = Buffer.from("2a864886f70d010107", "hex");
/** 1.2.840.10045.2.1 id-ecPublicKey and 1.2.840.10045.3.1.7 prime256v1, RFC 5480 section 2.1 */
const OID_EC_PUBLIC_KEY = Buffer.from("2a8648ce3d0201", "hex");
const OID_PRIME256V1 = Buffer.from("2a8648ce3d030107", "hex");

const DER_NULL = Buffer.from([DER_TAG.NULL, 0]);
const NO_UNUSED_BITS = Buffer.from([0]);
const UNCOMPRESSED_POINT = Buffer.from([4]);
const P256_COORDINATE_BYTES = 32;
/** a TPM keeps the RSA exponent in 32 bits */
const EXPONENT_BYTES = 4;

/**
 * @param spkiDer  SubjectPublicKeyInfo with rsaEncryption, id-RSAES-OAEP or id-ecPublicKey on P-256
 * @throws TpmFormatError TPM_FORMAT_KEY, or TPM_FORMAT_KEY_ALGORITHM for other algorithms and curves
 */
export function decodeSubjectPublicKey(spkiDer: Uint8Array): SubjectPublicKey {
  const outer = new DerReader(spkiDer, "TPM_FORMAT_KEY", "SubjectPublicKeyInfo");
  const info = outer.enter(DER_TAG.SEQUENCE, "sequence");
  outer.finish();
  const algorithm = info.enter(DER_TAG.SEQUENCE, "algorithm");
  const identifier = algorithm.read(DER_TAG.OBJECT_IDENTIFIER, "oid").content;
  const bits = info.read(DER_TAG.BIT_STRING, "subjectPublicKey").content;
  info.finish();
  if (bits[0] !== 0) {
    throw info.failure("subjectPublicKey", "is not a whole number of bytes");
  }
  const keyBytes = bits.subarray(1);
  if (identifier.equals(OID_RSA_ENCRYPTION) || identifier.equals(OID_RSAES_OAEP)) {
    return decodeRsaKey(keyBytes);
  }
  const curve =
    algorithm.nextTag === DER_TAG.OBJECT_IDENTIFIER ? algorithm.read(DER_TAG.OBJECT_IDENTIFIER, "curve") : null;
  if (!identifier.equals(OID_EC_PUBLIC_KEY) || curve?.content.equals(OID_PRIME256V1) !== true) {
    throw new DerReader(spkiDer, "TPM_FORMAT_KEY_ALGORITHM", "SubjectPublicKeyInfo").failure(
      "algorithm",
      "is neither RSA nor ECC P-256",
    );
  }
  if (keyBytes.length !== 1 + 2 * P256_COORDINATE_BYTES || keyBytes[0] !== UNCOMPRESSED_POINT[0]) {
    throw info.failure("subjectPublicKey", "is not an uncompressed P-256 point");
  }
  const x = keyBytes.subarray(1, 1 + P256_COORDINATE_BYTES);
  return { type: "ec", curve: "P-256", x, y: keyBytes.subarray(1 + P256_COORDINATE_BYTES) };
}

/**
 * @returns SubjectPublicKeyInfo as Go's x509.MarshalPKIXPublicKey writes it: rsaEncryption with NULL parameters, or
 *          id-ecPublicKey with the named curve and an uncompressed point
 */
export function encodeSubjectPublicKey(key: SubjectPublicKey): Buffer {
  if (key.type === "ec") {
    const curve = encodeDer(DER_TAG.OBJECT_IDENTIFIER, OID_PRIME256V1);
    return encodeInfo(OID_EC_PUBLIC_KEY, curve, Buffer.concat([UNCOMPRESSED_POINT, key.x, key.y]));
  }
  const exponent = encodeDerInteger(uint32(key.exponent));
  return encodeInfo(OID_RSA_ENCRYPTION, DER_NULL, encodeDer(DER_TAG.SEQUENCE, encodeDerInteger(key.modulus), exponent));
}

function encodeInfo(identifier: Buffer, parameters: Buffer, keyBytes: Buffer): Buffer {
  const algorithm = encodeDer(DER_TAG.SEQUENCE, encodeDer(DER_TAG.OBJECT_IDENTIFIER, identifier), parameters);
  return encodeDer(DER_TAG.SEQUENCE, algorithm, encodeDer(DER_TAG.BIT_STRING, NO_UNUSED_BITS, keyBytes));
}

function decodeRsaKey(keyBytes: Buffer): RsaSubjectPublicKey {
  const outer = new DerReader(keyBytes, "TPM_FORMAT_KEY", "RSAPublicKey");
  const numbers = outer.enter(DER_TAG.SEQUENCE, "sequence");
  outer.finish();
  const modulus = readMagnitude(numbers, "modulus", TPM_MAX.RSA_KEY_BYTES);
  const exponent = readMagnitude(numbers, "publicExponent", EXPONENT_BYTES);
  numbers.finish();
  return {
    type: "rsa",
    bits: modulus.length * 8 - (Math.clz32(modulus[0] ?? 0) - 24),
    modulus,
    exponent: exponent.readUIntBE(0, exponent.length),
  };
}

/** A positive INTEGER without its leading zeros, so that every spelling of one key gives the same hash. */
function readMagnitude(reader: DerReader, field: string, maxBytes: number): Buffer {
  const content = reader.read(DER_TAG.INTEGER, field).content;
  const magnitude = trimLeadingZeros(content);
  if ((content[0] ?? 0) >= 0x80 || magnitude.length === 0 || magnitude.length > maxBytes) {
    throw reader.failure(field, `is not a positive number of at most ${String(maxBytes)} bytes`);
  }
  return magnitude;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(EXPONENT_BYTES);
  bytes.writeUInt32BE(value);
  return bytes;
}
