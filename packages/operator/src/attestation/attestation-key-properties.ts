/** The properties in an attestation key's own public area: what it may do, and whether its numbers are a sound key. */
import type { KeyObject } from "node:crypto";
import { decodeSubjectPublicKey, RSA_DEFAULT_EXPONENT, spkiFromPublicArea, TPMA_OBJECT } from "@rancheros/protocol/tpm";
import type { PublicArea, RsaPublicArea } from "@rancheros/protocol/tpm";
import { AttestationError } from "./errors.ts";
import { nodePublicKey } from "./node-public-key.ts";
import type { AttestationErrorCode } from "./errors.ts";

const MIN_RSA_BITS = 2048;

const MUST_BE_SET: readonly (readonly [bit: number, code: AttestationErrorCode])[] = [
  [TPMA_OBJECT.FIXED_TPM, "AK_NOT_FIXED_TPM"],
  [TPMA_OBJECT.FIXED_PARENT, "AK_NOT_FIXED_PARENT"],
  [TPMA_OBJECT.SENSITIVE_DATA_ORIGIN, "AK_NOT_MADE_BY_TPM"],
  [TPMA_OBJECT.RESTRICTED, "AK_NOT_RESTRICTED"],
  [TPMA_OBJECT.SIGN_ENCRYPT, "AK_NOT_SIGNING"],
];

/**
 * Bits 0, 3, 12 to 15 and 20 to 31 (part 2, 8.3.2): no TPM makes a key with one of them set. Bits 8 and 9 were reserved
 * once and tie a key to a firmware since revision 1.83, which takes nothing away.
 */
const RESERVED = 0xfff0_f009;

const MUST_BE_CLEAR: readonly (readonly [bits: number, code: AttestationErrorCode])[] = [
  [TPMA_OBJECT.DECRYPT, "AK_DECRYPTS"],
  [TPMA_OBJECT.ENCRYPTED_DUPLICATION, "AK_DUPLICABLE"],
  [TPMA_OBJECT.X509_SIGN, "AK_SIGNS_X509"],
  [RESERVED, "AK_RESERVED_ATTRIBUTES"],
];

/** @throws AttestationError for the first property that is missing; a policy, empty or not, is the owner's affair */
export function checkAttestationKeyProperties(area: PublicArea): void {
  if (area.nameAlg !== "SHA256") {
    throw new AttestationError("AK_NAME_ALGORITHM", `the attestation key's nameAlg is ${area.nameAlg}`);
  }
  const missing = MUST_BE_SET.find(([bit]) => (area.objectAttributes & bit) === 0);
  const surplus = MUST_BE_CLEAR.find(([bits]) => (area.objectAttributes & bits) !== 0);
  const wrong = missing ?? surplus;
  if (wrong !== undefined) {
    const attributes = `0x${area.objectAttributes.toString(16)}`;
    throw new AttestationError(wrong[1], `the attestation key has the attributes ${attributes}`, {
      details: { objectAttributes: attributes },
    });
  }
  if (area.symmetric.algorithm !== "NULL") {
    throw new AttestationError("AK_SYMMETRIC", "the attestation key names a symmetric cipher");
  }
  checkScheme(area);
  if (area.type === "RSA") {
    checkRsaNumbers(area);
  } else if (area.curve !== "NIST_P256") {
    throw new AttestationError("AK_KEY_TYPE", `the attestation key's curve is ${area.curve}`);
  }
}

/** @throws AttestationError AK_POINT or AK_MODULUS if the numbers are no key */
export function importAttestationKey(area: PublicArea): KeyObject {
  try {
    return nodePublicKey(decodeSubjectPublicKey(spkiFromPublicArea(area)));
  } catch (cause) {
    const code = area.type === "ECC" ? "AK_POINT" : "AK_MODULUS";
    throw new AttestationError(code, "the attestation key's numbers are no key", { cause });
  }
}

function checkScheme(area: PublicArea): void {
  const wanted = area.type === "RSA" ? "RSASSA" : "ECDSA";
  const { scheme } = area;
  const kdf = area.type === "ECC" ? area.kdf.scheme : "NULL";
  if (scheme.scheme !== wanted || scheme.hash !== "SHA256" || kdf !== "NULL") {
    throw new AttestationError("AK_SCHEME", `the attestation key's scheme is not ${wanted} with SHA-256`);
  }
}

function checkRsaNumbers(area: RsaPublicArea): void {
  if (area.keyBits < MIN_RSA_BITS) {
    throw new AttestationError("AK_TOO_SHORT", `the attestation key has ${String(area.keyBits)} bits`);
  }
  if (area.exponent !== 0 && area.exponent !== RSA_DEFAULT_EXPONENT) {
    throw new AttestationError("AK_EXPONENT", "the attestation key's exponent is not 65537");
  }
  // Its length and highest bit are checked on import.
  if ((area.modulus.at(-1) ?? 0) % 2 === 0) {
    throw new AttestationError("AK_MODULUS", "the attestation key's modulus is even");
  }
}
