/** Why a machine's keys were not believed: one code for each property, so that a log line says which one was missing. */
import { CodedError } from "@rancheros/protocol/errors";
import type { CodedErrorOptions, ErrorKind, ErrorTable } from "@rancheros/protocol/errors";
import type { EkProblemCode } from "./trust-class.ts";

export type AttestationErrorCode =
  | "EK_CERTIFICATE_KEY_MISMATCH"
  | "EK_UNREADABLE"
  | "EK_KEY_TYPE"
  | "EK_TOO_SHORT"
  | "EK_SIZE_UNSUPPORTED"
  | "EK_EXPONENT"
  | "EK_MODULUS"
  | "EK_POINT"
  | "EK_KNOWN_WEAK"
  | "EK_ROCA"
  | "EK_REFUSED"
  | "EK_NOT_ALLOWED"
  | "TRUST_CLASS_NOT_PROVED"
  | EkProblemCode
  | "AK_PUBLIC_UNREADABLE"
  | "AK_CREATION_DATA_UNREADABLE"
  | "AK_ATTESTATION_UNREADABLE"
  | "AK_SIGNATURE_UNREADABLE"
  | "AK_ATTESTATION_MAGIC"
  | "AK_ATTESTATION_TYPE"
  | "AK_KEY_TYPE"
  | "AK_TOO_SHORT"
  | "AK_NAME_ALGORITHM"
  | "AK_NOT_FIXED_TPM"
  | "AK_NOT_FIXED_PARENT"
  | "AK_NOT_MADE_BY_TPM"
  | "AK_NOT_RESTRICTED"
  | "AK_NOT_SIGNING"
  | "AK_DECRYPTS"
  | "AK_DUPLICABLE"
  | "AK_SIGNS_X509"
  | "AK_RESERVED_ATTRIBUTES"
  | "AK_SYMMETRIC"
  | "AK_SCHEME"
  | "AK_EXPONENT"
  | "AK_MODULUS"
  | "AK_POINT"
  | "AK_CREATION_HASH"
  | "AK_NAME"
  | "AK_QUALIFYING_DATA"
  | "AK_SIGNATURE_SCHEME"
  | "AK_SIGNATURE"
  | "CREDENTIAL_ARGUMENT";

const HOW_TO_MAKE_AN_AK =
  "Register with ros-agent or rancherd and a real TPM 2.0; whoever made this attestation key did it in another way.";

const NOT_FROM_A_MAKER =
  "Compare with `tpm2_nvread 0x1c00002` on the machine; a TPM maker's certificate never looks like this.";

function refused(meaning: string, mend: string): ErrorKind {
  return { failure: "refused", retry: "never", meaning, mend };
}

function badAk(meaning: string): ErrorKind {
  return refused(meaning, HOW_TO_MAKE_AN_AK);
}

function nonsense(meaning: string, mend: string): ErrorKind {
  return { failure: "nonsense", retry: "never", meaning, mend };
}

export const ATTESTATION_ERRORS: ErrorTable<AttestationErrorCode> = {
  EK_CERTIFICATE_UNREADABLE: nonsense(
    "The endorsement key certificate is not readable as X.509.",
    "Look at it in the TPM's NV memory with `tpm2_nvread INDEX | openssl x509 -inform der -text`, INDEX being 0x01C00002 for RSA-2048, 0x01C0001C for RSA-3072, 0x01C0000A for P-256.",
  ),
  EK_CERTIFICATE_KEY_MISMATCH: refused(
    "The endorsement key certificate is for another key than the endorsement key.",
    "Check whether the TPM or its certificate was replaced; the certificate of another TPM proves nothing.",
  ),
  EK_UNREADABLE: nonsense(
    "The endorsement key is not a well-formed SubjectPublicKeyInfo.",
    "Check that no proxy changes request headers and that the agent's version is supported.",
  ),
  EK_KEY_TYPE: refused(
    "The endorsement key is neither RSA nor ECC P-256.",
    "Use the RSA-2048 endorsement key that every TPM 2.0 offers.",
  ),
  EK_TOO_SHORT: refused(
    "The RSA endorsement key has fewer than 2048 bits.",
    "No TPM 2.0 has such an endorsement key; if this one really does, replace the TPM.",
  ),
  EK_SIZE_UNSUPPORTED: refused(
    "The RSA endorsement key has another size than 2048 bits, or 3072 with the attestation protocol.",
    "Let the machine use its RSA-2048 endorsement key (NV 0x01C00002 or template L-1).",
  ),
  EK_EXPONENT: refused(
    "The endorsement key's RSA exponent is not 65537.",
    "No TPM makes such an endorsement key; the sender has no TPM or a damaged one.",
  ),
  EK_MODULUS: refused(
    "The endorsement key's RSA modulus is even, so it is not the product of two large primes.",
    "No TPM makes such an endorsement key; the sender has no TPM or a damaged one.",
  ),
  EK_POINT: refused(
    "The endorsement key's point is not on the curve P-256.",
    "No TPM makes such an endorsement key; the sender has no TPM or a damaged one.",
  ),
  EK_KNOWN_WEAK: refused(
    "The endorsement key is on the list of keys whose private half is published.",
    "Give the emulated TPM a seed of its own, so that it makes a key that nobody else has.",
  ),
  EK_ROCA: refused(
    "The endorsement key was made by the faulty Infineon library of CVE-2017-15361 and can be factored.",
    "Update the TPM's firmware and clear it, so that it makes new keys.",
  ),
  EK_REFUSED: refused(
    "An administrator listed this endorsement key as one to refuse.",
    "If the machine may come after all, take its hash out of the keys refused-* of the trust anchors (docs/trust.md).",
  ),
  EK_CERTIFICATE_REFUSED: refused(
    "An administrator listed the endorsement key certificate, or an authority above it, as one to refuse.",
    "If it is good after all, take its hash out of the keys refused-* of the trust anchors (docs/trust.md).",
  ),
  EK_CERTIFICATE_REVOKED: refused(
    "The endorsement key certificate, or one of an authority above it, is on its issuer's revocation list.",
    "Ask the TPM's maker why; its lists are the keys *.crl of the trust anchors (docs/trust.md).",
  ),
  EK_NOT_ALLOWED: refused(
    "The registration lists the endorsement keys that it lets in, and this one is not among them.",
    "If the machine is yours, add the output of `ros-agent get-tpm-hash` to spec.attestation.endorsementKeys.",
  ),
  TRUST_CLASS_NOT_PROVED: refused(
    "The registration wants a chip maker or a hypervisor to vouch for the TPM, and nobody of that class does.",
    "Look up the reason that stands with it; docs/trust.md tells which certificates the operator needs.",
  ),
  EK_CERTIFICATE_MISSING: refused(
    "The machine sent its endorsement key without a certificate, so nobody vouches for it.",
    "Get the certificate from the TPM's maker and put it into the TPM, or list the key's hash in spec.attestation.endorsementKeys.",
  ),
  EK_CERTIFICATE_FIELDS: refused(
    "The endorsement key certificate is not version 3, has no positive serial number, or names no issuer.",
    NOT_FROM_A_MAKER,
  ),
  EK_CERTIFICATE_IS_CA: refused(
    "The certificate that was sent for the endorsement key is one of a certificate authority.",
    NOT_FROM_A_MAKER,
  ),
  EK_CERTIFICATE_USAGE: refused(
    "The certificate was not issued for an endorsement key: its key usage or extended key usage says another purpose.",
    NOT_FROM_A_MAKER,
  ),
  EK_CERTIFICATE_EXTENSION: refused(
    "The endorsement key certificate has a critical extension that this program does not know, so it may not be believed.",
    "Report the certificate (it holds no secret), so that the extension can be taken into account.",
  ),
  EK_CERTIFICATE_EXPIRED: refused(
    "The endorsement key certificate has expired, and the registration refuses such.",
    "Makers do not renew them: set spec.attestation.expiredCertificates to accept, or list the key's hash.",
  ),
  EK_CERTIFICATE_NOT_YET_VALID: refused(
    "The endorsement key certificate, or one above it, is not valid yet.",
    "Check the clock of the operator's machine, and of the hypervisor if it made the certificate.",
  ),
  EK_CERTIFICATE_ALGORITHM: refused(
    "The endorsement key certificate is signed with SHA-1 or another algorithm that is not taken.",
    "Ask the TPM's maker for a certificate with SHA-256 or better; SHA-1 can be forged.",
  ),
  EK_CERTIFICATE_SIGNATURE: refused(
    "The endorsement key certificate names a known authority as its issuer, but that authority's key did not sign it.",
    NOT_FROM_A_MAKER,
  ),
  EK_CHAIN_UNKNOWN_ROOT: refused(
    "The endorsement key certificate leads to none of the trust anchors.",
    "Add the maker's root, and what lies between, to the registration's or the operator's trust anchors (docs/trust.md); what lies in the TPM itself is sent by ros-agent, and not by rancherd.",
  ),
  EK_CHAIN_TOO_LONG: refused(
    "More authorities stand between the endorsement key certificate and a root than are allowed.",
    "Add the authority nearest to the TPM as a trust anchor of its own.",
  ),
  EK_CHAIN_AMBIGUOUS: refused(
    "More trust anchors, or certificates that the machine has sent, have the name that the endorsement key certificate's issuer has than are looked at for one machine.",
    "Give hypervisors' authorities names of their own, or certificates with key identifiers; or give the registration anchors of its own (spec.attestation.trustAnchors), with those of its hypervisors only.",
  ),
  EK_CHAIN_EXPIRED: refused(
    "An authority above the endorsement key certificate had expired when it was used, or has since and the registration refuses such.",
    "Get the maker's present certificates, or set spec.attestation.expiredCertificates to accept.",
  ),
  AK_PUBLIC_UNREADABLE: nonsense("AK.Public is not a TPMT_PUBLIC of a known kind.", HOW_TO_MAKE_AN_AK),
  AK_CREATION_DATA_UNREADABLE: nonsense("AK.CreateData is not a TPMS_CREATION_DATA.", HOW_TO_MAKE_AN_AK),
  AK_ATTESTATION_UNREADABLE: nonsense("AK.CreateAttestation is not a TPMS_ATTEST.", HOW_TO_MAKE_AN_AK),
  AK_SIGNATURE_UNREADABLE: nonsense("AK.CreateSignature is not a TPMT_SIGNATURE of a known kind.", HOW_TO_MAKE_AN_AK),
  AK_ATTESTATION_MAGIC: badAk("The attestation does not begin with TPM_GENERATED, so no TPM made it."),
  AK_ATTESTATION_TYPE: badAk("The attestation is not one of a creation."),
  AK_KEY_TYPE: badAk("The attestation key is neither RSA nor ECC P-256."),
  AK_TOO_SHORT: badAk("The RSA attestation key has fewer than 2048 bits."),
  AK_NAME_ALGORITHM: badAk("The attestation key's name is not made with SHA-256."),
  AK_NOT_FIXED_TPM: badAk("The attestation key may leave its TPM (fixedTPM is clear)."),
  AK_NOT_FIXED_PARENT: badAk("The attestation key may change its parent (fixedParent is clear)."),
  AK_NOT_MADE_BY_TPM: badAk("The attestation key's secret came from outside (sensitiveDataOrigin is clear)."),
  AK_NOT_RESTRICTED: badAk("The attestation key signs anything, forged attestations too (restricted is clear)."),
  AK_NOT_SIGNING: badAk("The attestation key does not sign (sign is clear)."),
  AK_DECRYPTS: badAk("The attestation key decrypts (decrypt is set), so it is a storage key."),
  AK_DUPLICABLE: badAk("The attestation key has encryptedDuplication set, which only duplicable keys have."),
  AK_SIGNS_X509: badAk("The attestation key has x509sign set, which restricted keys do not have."),
  AK_RESERVED_ATTRIBUTES: badAk("The attestation key has reserved attribute bits set."),
  AK_SYMMETRIC: badAk("The attestation key names a symmetric cipher, as only storage keys do."),
  AK_SCHEME: badAk("The attestation key's scheme is not RSASSA or ECDSA with SHA-256."),
  AK_EXPONENT: badAk("The attestation key's RSA exponent is not 65537."),
  AK_MODULUS: badAk("The attestation key's RSA modulus is even or shorter than its key size."),
  AK_POINT: badAk("The attestation key's point is not on the curve P-256."),
  AK_CREATION_HASH: badAk("The attestation is about other creation data than what was sent."),
  AK_NAME: badAk("The attestation is about another key than the one that was sent."),
  AK_QUALIFYING_DATA: badAk("The attestation's qualifying data is not what this conversation asked for."),
  AK_SIGNATURE_SCHEME: badAk("The attestation is signed with another scheme than the attestation key's own."),
  AK_SIGNATURE: badAk("The attestation's signature does not verify with the attestation key."),
  CREDENTIAL_ARGUMENT: {
    failure: "internal",
    retry: "never",
    meaning: "A challenge was asked for with a secret, name or randomness of the wrong size.",
    mend: "This is a defect of this program: please report it with the details.",
  },
};

/** Thrown by the verifier for everything that it does not believe. Messages never hold keys or secrets. */
export class AttestationError extends CodedError<AttestationErrorCode> {
  constructor(code: AttestationErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(ATTESTATION_ERRORS, code, message, options);
  }
}
