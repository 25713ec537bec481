/** A certificate authority above endorsement keys: may it vouch at all, and did it sign this certificate? */
import type { KeyObject } from "node:crypto";
import {
  isAcceptedAlgorithm,
  isSignedWith,
  TpmFormatError,
  validityOf,
  type SignedBytes,
} from "@rancheros/protocol/tpm";
import {
  authorityKeyIdOf,
  basicConstraintsOf,
  keyUsageOf,
  OID,
  readCertificate,
  subjectKeyIdOf,
  type Certificate,
} from "./certificate.ts";

export interface Authority {
  readonly certificate: Certificate;
  readonly publicKey: KeyObject;
  /** Authorities that may stand below this one. */
  readonly pathLength: number;
  /** Subject on one line. */
  readonly subject: string;
}

const NO_AUTHORITY = "is no certificate authority's";
const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 8192;
/** As long as a TPM's: with one as long as its modulus, a signature takes milliseconds to verify. OpenSSL bounds it from 3073 bits on. */
const MAX_RSA_EXPONENT_BITS = 32;
const MAX_RSA_EXPONENT = 2n ** BigInt(MAX_RSA_EXPONENT_BITS) - 1n;
const CURVES: readonly (string | undefined)[] = ["prime256v1", "secp384r1", "secp521r1"];
/** Critical extensions that are taken into account, or that allow everything that is asked here. */
const HANDLED: ReadonlySet<string> = new Set([
  OID.BASIC_CONSTRAINTS,
  OID.KEY_USAGE,
  OID.EXTENDED_KEY_USAGE,
  OID.CERTIFICATE_POLICIES,
  OID.SUBJECT_ALTERNATIVE_NAME,
]);

/** Whether all critical extensions are known: those that are not might take away what the others give. */
export function hasOnlyKnownCriticals(certificate: Certificate): boolean {
  return [...certificate.extensions].every(([oid, { critical }]) => !critical || HANDLED.has(oid));
}

/** @returns undefined for bytes that are no readable certificate of a readable key */
export function readAuthority(der: Uint8Array): Authority | undefined {
  try {
    const certificate = readCertificate(der);
    const { x509 } = certificate;
    const pathLength = basicConstraintsOf(certificate)?.pathLength ?? Infinity;
    // node:crypto answers undefined for an empty name, whatever its types say.
    const subject: string | undefined = x509.subject;
    return { certificate, publicKey: x509.publicKey, pathLength, subject: (subject ?? "").split("\n").join(", ") };
  } catch {
    return undefined;
  }
}

/** @returns why it may vouch for nobody, whatever the time; undefined if it may */
export function authorityProblem({ certificate, publicKey }: Authority): string | undefined {
  const { notBefore, notAfter } = validityOf(certificate.x509);
  if (!certificate.isV3) return NO_AUTHORITY;
  if (!hasOnlyKnownCriticals(certificate)) return "has a critical extension that is not known";
  if (!isAcceptedAlgorithm(certificate.signatureAlgorithm)) return "is signed with SHA-1 or an unknown algorithm";
  if (Number.isNaN(notBefore.getTime() + notAfter.getTime())) return "has unreadable dates";
  return purposeProblem(certificate) ?? keyProblem(publicKey);
}

function purposeProblem(certificate: Certificate): string | undefined {
  try {
    if (basicConstraintsOf(certificate)?.ca !== true) return NO_AUTHORITY;
    return keyUsageOf(certificate)?.keyCertSign === false ? "may not sign certificates" : undefined;
  } catch (error) {
    if (error instanceof TpmFormatError) return "has unreadable extensions";
    throw error;
  }
}

function keyProblem({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string | undefined {
  if (type === "rsa") return rsaProblem(details);
  return type === "ec" && CURVES.includes(details?.namedCurve)
    ? undefined
    : "has a key that is neither RSA nor NIST ECC";
}

function rsaProblem(details: KeyObject["asymmetricKeyDetails"]): string | undefined {
  const bits = details?.modulusLength ?? 0;
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) return `has an RSA key of ${bits} bits`;
  return (details?.publicExponent ?? 0n) > MAX_RSA_EXPONENT
    ? `has an RSA key whose exponent has more than ${MAX_RSA_EXPONENT_BITS} bits`
    : undefined;
}

/** Whether the certificate names this authority as its issuer. */
export function namesAsIssuer(certificate: Certificate, authority: Authority): boolean {
  // Where the spelling differs, OpenSSL compares names as RFC 5280 section 7.1 says.
  return (
    certificate.issuerDer.equals(authority.certificate.subjectDer) ||
    certificate.x509.checkIssued(authority.certificate.x509)
  );
}

/**
 * Whether the certificate says that another key than this authority's has signed it: hypervisors' authorities often have
 * one name, and are told apart by that alone. RFC 5280 sections 4.2.1.1 and 4.2.1.2.
 */
export function namesAnotherKey(certificate: Certificate, authority: Authority): boolean {
  const wanted = authorityKeyIdOf(certificate);
  const own = wanted === undefined ? undefined : subjectKeyIdOf(authority.certificate);
  return wanted !== undefined && own !== undefined && !wanted.equals(own);
}

/** Whether the authority signed exactly these bytes, those that were read. */
export function hasSignedBytes(authority: Authority, signed: SignedBytes): boolean {
  return isSignedWith(authority.publicKey, signed);
}
