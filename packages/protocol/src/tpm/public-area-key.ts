/** Between a TPM's public area and the SubjectPublicKeyInfo that the rest of the world speaks. */
import { TpmFormatError } from "./errors.ts";
import { decodeSubjectPublicKey, encodeSubjectPublicKey } from "./subject-public-key.ts";
import type { PublicArea } from "./public-area.ts";

/** What exponent 0 stands for (part 2, 12.2.3.5). */
export const RSA_DEFAULT_EXPONENT = 65537;

const P256_COORDINATE_BYTES = 32;

/**
 * @returns SubjectPublicKeyInfo in the canonical spelling
 * @throws TpmFormatError TPM_FORMAT_KEY_ALGORITHM for curves other than P-256, TPM_FORMAT_KEY for a template without a key
 */
export function spkiFromPublicArea(area: PublicArea): Buffer {
  if (area.type === "ECC") {
    if (area.curve !== "NIST_P256") {
      throw new TpmFormatError("TPM_FORMAT_KEY_ALGORITHM", `the curve ${area.curve} is not supported`);
    }
    return encodeSubjectPublicKey({ type: "ec", curve: "P-256", x: padded(area.x), y: padded(area.y) });
  }
  if (area.modulus.length !== area.keyBits / 8 || area.modulus.readUInt8(0) < 0x80) {
    throw new TpmFormatError("TPM_FORMAT_KEY", "the public area holds no RSA modulus of its key size");
  }
  const exponent = area.exponent === 0 ? RSA_DEFAULT_EXPONENT : area.exponent;
  return encodeSubjectPublicKey({ type: "rsa", bits: area.keyBits, modulus: area.modulus, exponent });
}

/**
 * @param template  everything but the key: attributes, policy, schemes
 * @returns the public area that a TPM has for this key if it was made from this template
 * @throws TpmFormatError TPM_FORMAT_KEY_ALGORITHM if the template is for another kind or size of key
 */
export function publicAreaFromSpki(spkiDer: Uint8Array, template: PublicArea): PublicArea {
  const key = decodeSubjectPublicKey(spkiDer);
  if (key.type === "rsa" && template.type === "RSA" && key.bits === template.keyBits) {
    const exponent = key.exponent === RSA_DEFAULT_EXPONENT ? 0 : key.exponent;
    return { ...template, exponent, modulus: key.modulus };
  }
  if (key.type === "ec" && template.type === "ECC" && template.curve === "NIST_P256") {
    return { ...template, x: key.x, y: key.y };
  }
  throw new TpmFormatError("TPM_FORMAT_KEY_ALGORITHM", `the template is not for this kind or size of ${key.type} key`);
}

function padded(coordinate: Buffer): Buffer {
  if (coordinate.length > P256_COORDINATE_BYTES) {
    throw new TpmFormatError("TPM_FORMAT_KEY", "a coordinate has more than 32 bytes");
  }
  return Buffer.concat([Buffer.alloc(P256_COORDINATE_BYTES - coordinate.length), coordinate]);
}
