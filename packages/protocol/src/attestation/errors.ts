/** What can be wrong with a message of the attestation protocol, whichever side reads it. */
import { CodedError, type CodedErrorOptions, type ErrorTable } from "@rancheros/protocol/errors";

export type AttestationMessageErrorCode = "PROTOCOL_FIELDS" | "PROTOCOL_VERSION" | "SEAL_BROKEN";

export const ATTESTATION_MESSAGE_ERRORS = {
  PROTOCOL_FIELDS: {
    failure: "nonsense",
    retry: "never",
    meaning: "A message of the attestation protocol is no JSON, too large, or has bad fields; all of them are listed.",
    mend: "Check that both ends speak the protocol of docs/protocol.md and that no proxy changes bodies.",
  },
  PROTOCOL_VERSION: {
    failure: "nonsense",
    retry: "never",
    meaning: "The two sides have no version of the attestation protocol in common.",
    mend: "Update the older side: the message names the versions that the other one speaks.",
  },
  SEAL_BROKEN: {
    failure: "nonsense",
    retry: "never",
    meaning: "The server's last answer cannot be opened with the secret that the TPM gave up.",
    mend: "Register again; if it stays so, somebody on the way changes answers.",
  },
} as const satisfies ErrorTable<AttestationMessageErrorCode>;

export interface AttestationMessageErrorOptions extends CodedErrorOptions {
  readonly problems?: readonly string[];
}

/** Never holds any content of the message. */
export class AttestationMessageError extends CodedError<AttestationMessageErrorCode> {
  /** With PROTOCOL_FIELDS: one `path: problem` for each bad field. */
  readonly problems: readonly string[];

  constructor(code: AttestationMessageErrorCode, message: string, options: AttestationMessageErrorOptions = {}) {
    super(ATTESTATION_MESSAGE_ERRORS, code, message, options);
    this.problems = options.problems ?? [];
  }
}
