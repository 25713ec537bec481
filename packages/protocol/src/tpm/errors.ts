/** What can be wrong with bytes that claim to be a TPM structure, an endorsement key or its certificate. */
import { CodedError } from "@rancheros/protocol/errors";
import type { CodedErrorOptions, ErrorTable } from "@rancheros/protocol/errors";

export type TpmFormatErrorCode =
  | "TPM_FORMAT_TRUNCATED"
  | "TPM_FORMAT_TRAILING_BYTES"
  | "TPM_FORMAT_LENGTH"
  | "TPM_FORMAT_VALUE"
  | "TPM_FORMAT_ALGORITHM"
  | "TPM_FORMAT_MAGIC"
  | "TPM_FORMAT_ATTESTATION_TYPE"
  | "TPM_FORMAT_KEY"
  | "TPM_FORMAT_KEY_ALGORITHM"
  | "TPM_FORMAT_CERTIFICATE"
  | "TPM_FORMAT_UNENCODABLE";

const NOT_A_TPM = "Compare the bytes with what the machine's TPM returns; a healthy TPM never produces this.";

export const TPM_FORMAT_ERRORS = {
  TPM_FORMAT_TRUNCATED: {
    failure: "nonsense",
    retry: "never",
    meaning: "A TPM structure ends before the field that is being read.",
    mend: NOT_A_TPM,
  },
  TPM_FORMAT_TRAILING_BYTES: {
    failure: "nonsense",
    retry: "never",
    meaning: "Bytes follow the end of a TPM structure.",
    mend: NOT_A_TPM,
  },
  TPM_FORMAT_LENGTH: {
    failure: "nonsense",
    retry: "never",
    meaning: "A length inside a TPM structure is outside the bounds of the TPM specification.",
    mend: NOT_A_TPM,
  },
  TPM_FORMAT_VALUE: {
    failure: "nonsense",
    retry: "never",
    meaning: "A field of a TPM structure has a value that the TPM specification does not allow there.",
    mend: NOT_A_TPM,
  },
  TPM_FORMAT_ALGORITHM: {
    failure: "nonsense",
    retry: "never",
    meaning: "A TPM structure names an algorithm, curve or scheme that this program does not know.",
    mend: "Use RSA-2048 or ECC P-256 keys with SHA-256, which every TPM 2.0 offers.",
  },
  TPM_FORMAT_MAGIC: {
    failure: "nonsense",
    retry: "never",
    meaning: "An attestation does not begin with TPM_GENERATED, so it was not made inside a TPM.",
    mend: NOT_A_TPM,
  },
  TPM_FORMAT_ATTESTATION_TYPE: {
    failure: "nonsense",
    retry: "never",
    meaning: "An attestation is of a kind other than creation, certify or quote.",
    mend: NOT_A_TPM,
  },
  TPM_FORMAT_KEY: {
    failure: "nonsense",
    retry: "never",
    meaning: "A public key is not a well-formed SubjectPublicKeyInfo.",
    mend: "Read the endorsement key again; if it stays broken, the TPM or its certificate is damaged.",
  },
  TPM_FORMAT_KEY_ALGORITHM: {
    failure: "nonsense",
    retry: "never",
    meaning: "A public key is neither RSA nor ECC P-256.",
    mend: "Use the RSA-2048 (or ECC P-256) endorsement key that every TPM 2.0 has.",
  },
  TPM_FORMAT_CERTIFICATE: {
    failure: "nonsense",
    retry: "never",
    meaning: "An endorsement key certificate cannot be read as X.509.",
    mend: "Look at the NV index of this TPM that should hold the certificate: its content is damaged or is no certificate.",
  },
  TPM_FORMAT_UNENCODABLE: {
    failure: "internal",
    retry: "never",
    meaning: "A value does not fit into the TPM structure field that it was meant for.",
    mend: "This is a defect of this program: please report it with the details.",
  },
} as const satisfies ErrorTable<TpmFormatErrorCode>;

/** Thrown by every decoder and encoder in this folder, and nothing else is. */
export class TpmFormatError extends CodedError<TpmFormatErrorCode> {
  constructor(code: TpmFormatErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(TPM_FORMAT_ERRORS, code, message, options);
  }
}
