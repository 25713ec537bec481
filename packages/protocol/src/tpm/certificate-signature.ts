/** Signatures of certificates and of lists of revoked ones, verified over the bytes that were signed. */
import { verify, type KeyObject } from "node:crypto";
import { DER_TAG, DerReader } from "./der.ts";

/** Identifiers of RFC 8017 appendix C and RFC 5758 section 3.2. SHA-1 is missing on purpose, PSS because nobody uses it. */
const SIGNATURE_ALGORITHMS: ReadonlyMap<string, { readonly keyType: "rsa" | "ec"; readonly hash: string }> = new Map([
  ["2a864886f70d01010b", { keyType: "rsa", hash: "sha256" }],
  ["2a864886f70d01010c", { keyType: "rsa", hash: "sha384" }],
  ["2a864886f70d01010d", { keyType: "rsa", hash: "sha512" }],
  ["2a8648ce3d040302", { keyType: "ec", hash: "sha256" }],
  ["2a8648ce3d040303", { keyType: "ec", hash: "sha384" }],
  ["2a8648ce3d040304", { keyType: "ec", hash: "sha512" }],
]);

/** What was signed, with what: the same for certificates and for lists of revoked ones. */
export interface SignedBytes {
  readonly tbsDer: Buffer;
  readonly signature: Buffer;
  /** Identifier in hex. */
  readonly signatureAlgorithm: string;
}

/** Whether a signature of this algorithm is looked at. @param signatureAlgorithm  identifier in hex */
export function isAcceptedAlgorithm(signatureAlgorithm: string): boolean {
  return SIGNATURE_ALGORITHMS.has(signatureAlgorithm);
}

/** Whether the key signed exactly these bytes, with an algorithm that is accepted. */
export function isSignedWith(publicKey: KeyObject, signed: SignedBytes): boolean {
  const algorithm = SIGNATURE_ALGORITHMS.get(signed.signatureAlgorithm);
  if (algorithm === undefined || publicKey.asymmetricKeyType !== algorithm.keyType) return false;
  try {
    return verify(algorithm.hash, signed.tbsDer, publicKey, signed.signature);
  } catch {
    // OpenSSL throws for signatures of a length or form that no key makes.
    return false;
  }
}

/**
 * What is signed of a certificate, as it stands in the bytes.
 * @throws TpmFormatError TPM_FORMAT_CERTIFICATE
 */
export function signedBytesOf(der: Uint8Array): SignedBytes {
  const parts = new DerReader(der, "TPM_FORMAT_CERTIFICATE", "Certificate").enter(DER_TAG.SEQUENCE, "sequence");
  const { whole: tbsDer } = parts.read(DER_TAG.SEQUENCE, "tbsCertificate");
  const algorithm = parts.enter(DER_TAG.SEQUENCE, "signatureAlgorithm");
  const signatureAlgorithm = algorithm.read(DER_TAG.OBJECT_IDENTIFIER, "algorithm").content.toString("hex");
  const { content } = parts.read(DER_TAG.BIT_STRING, "signatureValue");
  if (content[0] !== 0) throw parts.failure("signatureValue", "is not a whole number of bytes");
  return { tbsDer, signatureAlgorithm, signature: content.subarray(1) };
}
