/** What can be wrong with a message of the registration protocol. */
import { CodedError } from "@rancheros/protocol/errors";
import type { CodedErrorOptions, ErrorTable } from "@rancheros/protocol/errors";

export type MessageErrorCode =
  | "MESSAGE_TOO_LARGE"
  | "MESSAGE_NOT_BASE64"
  | "MESSAGE_NOT_UTF8"
  | "MESSAGE_NOT_JSON"
  | "MESSAGE_NOT_TPM_AUTHORIZATION"
  | "MESSAGE_FIELDS"
  | "MESSAGE_SMBIOS_TOO_DEEP"
  | "MESSAGE_SMBIOS_TOO_MANY_ENTRIES"
  | "MESSAGE_SMBIOS_LEAF"
  | "MESSAGE_UNENCODABLE";

const OTHER_SIDE = "Check that both ends speak the RancherOS registration protocol and that no proxy changes messages.";
const SMBIOS_SIDE = "Look at what `ros-agent smbios --json` prints on this machine; its firmware tables are unusual.";

export const MESSAGE_ERRORS = {
  MESSAGE_TOO_LARGE: {
    failure: "nonsense",
    retry: "never",
    meaning: "A message or one of its fields is larger than the protocol allows.",
    mend: OTHER_SIDE,
  },
  MESSAGE_NOT_BASE64: {
    failure: "nonsense",
    retry: "never",
    meaning: "A header that must be standard base64 with padding is not.",
    mend: OTHER_SIDE,
  },
  MESSAGE_NOT_UTF8: {
    failure: "nonsense",
    retry: "never",
    meaning: "A message is not valid UTF-8.",
    mend: OTHER_SIDE,
  },
  MESSAGE_NOT_JSON: {
    failure: "nonsense",
    retry: "never",
    meaning: "A message is not JSON.",
    mend: OTHER_SIDE,
  },
  MESSAGE_NOT_TPM_AUTHORIZATION: {
    failure: "nonsense",
    retry: "never",
    meaning: "An Authorization header does not begin with `Bearer TPM`.",
    mend: OTHER_SIDE,
  },
  MESSAGE_FIELDS: {
    failure: "nonsense",
    retry: "never",
    meaning: "Fields of a message are missing or have a wrong type, encoding or size; all of them are listed.",
    mend: OTHER_SIDE,
  },
  MESSAGE_SMBIOS_TOO_DEEP: {
    failure: "nonsense",
    retry: "never",
    meaning: "The SMBIOS tree nests deeper than 8 levels.",
    mend: SMBIOS_SIDE,
  },
  MESSAGE_SMBIOS_TOO_MANY_ENTRIES: {
    failure: "nonsense",
    retry: "never",
    meaning: "The SMBIOS tree has more than 2,000 keys and list items.",
    mend: SMBIOS_SIDE,
  },
  MESSAGE_SMBIOS_LEAF: {
    failure: "nonsense",
    retry: "never",
    meaning: "The SMBIOS tree holds something other than text, lists and objects.",
    mend: SMBIOS_SIDE,
  },
  MESSAGE_UNENCODABLE: {
    failure: "internal",
    retry: "never",
    meaning: "A message to be sent would break the protocol's own limits.",
    mend: "This is a defect of this program: please report it with the details.",
  },
} as const satisfies ErrorTable<MessageErrorCode>;

export interface MessageErrorOptions extends CodedErrorOptions {
  readonly problems?: readonly string[];
}

/** Thrown by every decoder and encoder of messages, and nothing else is. Never holds any content of the message. */
export class MessageError extends CodedError<MessageErrorCode> {
  /** With MESSAGE_FIELDS: one `path: problem` for each bad field. */
  readonly problems: readonly string[];

  constructor(code: MessageErrorCode, message: string, options: MessageErrorOptions = {}) {
    super(MESSAGE_ERRORS, code, message, options);
    this.problems = options.problems ?? [];
  }
}
