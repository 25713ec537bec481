/** Is this an endorsement key to which a secret may be entrusted? Says nothing about whether a real TPM holds it. */
import { createHash } from "node:crypto";
import type { KeyObject } from "node:crypto";
import {
  decodeSubjectPublicKey,
  encodeSubjectPublicKey,
  readEkCertificate,
  RSA_DEFAULT_EXPONENT,
  TpmFormatError,
} from "@rancheros/protocol/tpm";
import type { EkCertificate, RsaSubjectPublicKey, SubjectPublicKey } from "@rancheros/protocol/tpm";
import type { EndorsementKey } from "@rancheros/protocol/messages";
import { AttestationError } from "./errors.ts";
import { nodePublicKey } from "./node-public-key.ts";
import { hasRocaFingerprint } from "./roca.ts";

/** The size of the default template L-1. */
const EK_RSA_BITS = 2048;
/** The size of template H-6, which goes with another hash and cipher (credential.ts). */
const EK_LONG_RSA_BITS = 3072;

/** A key that passed every check of `verifyEndorsementKey`; the private field keeps everybody else from making one. */
class VerifiedEndorsementKey {
  /** 64 lower-case hexadecimal digits: the machine's identity */
  readonly hash: string;
  readonly publicKey: SubjectPublicKey;
  readonly keyObject: KeyObject;
  /** as the TPM delivered it, read but not verified; `undefined` if only the key was sent */
  readonly certificate: EkCertificate | undefined;
  readonly #spkiDer: Buffer;

  constructor(publicKey: SubjectPublicKey, keyObject: KeyObject, spkiDer: Buffer, certificate?: EkCertificate) {
    this.hash = createHash("sha256").update(spkiDer).digest("hex");
    this.publicKey = publicKey;
    this.keyObject = keyObject;
    this.certificate = certificate;
    this.#spkiDer = spkiDer;
  }

  /** The canonical SubjectPublicKeyInfo: what `hash` is the hash of. */
  get spkiDer(): Buffer {
    return this.#spkiDer;
  }
}

// Only the type leaves this file.
export type { VerifiedEndorsementKey };

export interface EndorsementKeyPolicy {
  /** The key that the certificate must be for, where the two came by different ways. */
  readonly expectedSpkiDer?: Uint8Array;
  /** Hashes of keys whose private half is known, for example of an emulated TPM with a fixed seed. */
  readonly knownWeakHashes?: ReadonlySet<string>;
  /** Lets keys of CVE-2017-15361 in; for fleets whose old TPMs cannot be updated. */
  readonly acceptRoca?: boolean;
  /** Takes RSA-3072 beside RSA-2048: for the attestation protocol, whose machines know the template. */
  readonly acceptRsa3072?: boolean;
}

/**
 * Checks the endorsement key alone: RSA with exactly 2048 (or, by policy, 3072) bits, odd modulus, exponent 65537, not known to be weak; or a
 * point on P-256. With a certificate, its key is the key. Issuer, validity and purpose of the certificate are not judged.
 * @param ek  as the machine sent it
 * @throws AttestationError with a code that begins with EK_
 */
export function verifyEndorsementKey(ek: EndorsementKey, policy: EndorsementKeyPolicy = {}): VerifiedEndorsementKey {
  const certificate = ek.type === "certificate" ? readCertificate(ek.certificateDer) : undefined;
  const publicKey = certificate?.key ?? readKey(ek.type === "public-key" ? ek.spkiDer : Buffer.alloc(0));
  const spkiDer = certificate?.publicKeySpkiDer ?? encodeSubjectPublicKey(publicKey);
  if (policy.expectedSpkiDer !== undefined) {
    const expected = encodeSubjectPublicKey(readKey(policy.expectedSpkiDer));
    if (!expected.equals(spkiDer)) {
      throw new AttestationError("EK_CERTIFICATE_KEY_MISMATCH", "the certificate is not for the endorsement key");
    }
  }
  if (publicKey.type === "rsa") {
    checkRsa(publicKey, policy);
  }
  const verified = new VerifiedEndorsementKey(publicKey, importKey(publicKey), spkiDer, certificate);
  if (policy.knownWeakHashes?.has(verified.hash) === true) {
    throw new AttestationError("EK_KNOWN_WEAK", "the endorsement key's private half is published", {
      details: { ekHash: verified.hash },
    });
  }
  return verified;
}

function checkRsa(key: RsaSubjectPublicKey, policy: EndorsementKeyPolicy): void {
  const bits = String(key.bits);
  if (key.bits < EK_RSA_BITS) {
    throw new AttestationError("EK_TOO_SHORT", `the endorsement key has ${bits} bits`, { details: { bits: key.bits } });
  }
  const isLong = policy.acceptRsa3072 === true && key.bits === EK_LONG_RSA_BITS;
  if (key.bits !== EK_RSA_BITS && !isLong) {
    throw new AttestationError("EK_SIZE_UNSUPPORTED", `the endorsement key has ${bits} bits`, {
      details: { bits: key.bits },
    });
  }
  if (key.exponent !== RSA_DEFAULT_EXPONENT) {
    throw new AttestationError("EK_EXPONENT", "the endorsement key's exponent is not 65537");
  }
  if (key.modulus.readUInt8(key.modulus.length - 1) % 2 === 0) {
    throw new AttestationError("EK_MODULUS", "the endorsement key's modulus is even");
  }
  if (policy.acceptRoca !== true && hasRocaFingerprint(key.modulus)) {
    throw new AttestationError("EK_ROCA", "the endorsement key has the fingerprint of CVE-2017-15361");
  }
}

function importKey(publicKey: SubjectPublicKey): KeyObject {
  try {
    return nodePublicKey(publicKey);
  } catch (cause) {
    const code = publicKey.type === "ec" ? "EK_POINT" : "EK_MODULUS";
    throw new AttestationError(code, "the endorsement key's numbers are no key", { cause });
  }
}

function readKey(spkiDer: Uint8Array): SubjectPublicKey {
  try {
    return decodeSubjectPublicKey(spkiDer);
  } catch (cause) {
    throw unreadable(cause, "EK_UNREADABLE", "the endorsement key is not readable");
  }
}

function readCertificate(certificateDer: Uint8Array): EkCertificate {
  try {
    return readEkCertificate(certificateDer);
  } catch (cause) {
    throw unreadable(cause, "EK_CERTIFICATE_UNREADABLE", "the endorsement key certificate is not readable");
  }
}

function unreadable(
  cause: unknown,
  code: "EK_UNREADABLE" | "EK_CERTIFICATE_UNREADABLE",
  message: string,
): AttestationError {
  if (cause instanceof TpmFormatError && cause.code === "TPM_FORMAT_KEY_ALGORITHM") {
    return new AttestationError("EK_KEY_TYPE", "the endorsement key is neither RSA nor ECC P-256", { cause });
  }
  return new AttestationError(code, message, { cause });
}
