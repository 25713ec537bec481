/** Who vouches for an endorsement key: the answer, and what a registration makes of it. */
import type { TrustClass } from "@rancheros/protocol/attestation";

/** Why nobody vouches for an endorsement key; each is a row of ATTESTATION_ERRORS. */
export type EkProblemCode =
  | "EK_CERTIFICATE_MISSING"
  | "EK_CERTIFICATE_UNREADABLE"
  | "EK_CERTIFICATE_FIELDS"
  | "EK_CERTIFICATE_IS_CA"
  | "EK_CERTIFICATE_USAGE"
  | "EK_CERTIFICATE_EXTENSION"
  | "EK_CERTIFICATE_EXPIRED"
  | "EK_CERTIFICATE_NOT_YET_VALID"
  | "EK_CERTIFICATE_ALGORITHM"
  | "EK_CERTIFICATE_SIGNATURE"
  | "EK_CHAIN_UNKNOWN_ROOT"
  | "EK_CHAIN_TOO_LONG"
  | "EK_CHAIN_AMBIGUOUS"
  | "EK_CHAIN_EXPIRED"
  | "EK_CERTIFICATE_REFUSED"
  | "EK_CERTIFICATE_REVOKED";

/** Whether somebody said that this certificate is to count no more: then its machine stays outside, whatever is wanted. */
export function isTakenBack(
  problem: EkProblemCode | undefined,
): problem is "EK_CERTIFICATE_REFUSED" | "EK_CERTIFICATE_REVOKED" {
  return problem === "EK_CERTIFICATE_REFUSED" || problem === "EK_CERTIFICATE_REVOKED";
}

export interface EkProblem {
  readonly code: EkProblemCode;
  /** One sentence, without anything that the certificate says of itself. */
  readonly message: string;
}

/** What the certificate says of the TPM: as its maker wrote it, for people; empty where it says nothing. */
export interface TpmDescription {
  /** For example id:49465800. */
  readonly manufacturer: string;
  readonly model: string;
  readonly version: string;
}

/** Answer of verifyEkCertificate. */
export interface EkVerdict {
  /** Class of the root that vouches for the key; none where there is a problem. */
  readonly class: TrustClass;
  /** The key that was vouched for, 64 hex digits; undefined where the class is none. */
  readonly ekHash: string | undefined;
  /** Subject of that root, on one line. */
  readonly root: string | undefined;
  /** SHA-256 of the certificate without what follows it, hex; undefined where none can be read. */
  readonly certificateSha256: string | undefined;
  readonly notAfter: Date | undefined;
  readonly tpm: TpmDescription | undefined;
  /** There is one exactly where the class is none. */
  readonly problem: EkProblem | undefined;
}
