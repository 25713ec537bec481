/** What can go wrong with rancherd's configuration. */
import { CodedError } from "@rancheros/protocol/errors";
import type { CodedErrorOptions, ErrorTable } from "@rancheros/protocol/errors";

export type RancherdErrorCode = "RANCHERD_CONFIG_UNREADABLE" | "RANCHERD_CONFIG_UNSAVED";

export const RANCHERD_ERRORS = {
  RANCHERD_CONFIG_UNREADABLE: {
    failure: "usage",
    retry: "never",
    meaning:
      "rancherd's own file cannot be read, is not one map in YAML, has more in it than rancherd reads, or cannot be written without changing what people have set in it, so nothing is written into it.",
    mend: "Correct /etc/rancher/rancherd/config.yaml, or move it away. Of several documents rancherd reads the first, and comments above a line of --- only are a document; on a file that is no YAML it fails.",
  },
  RANCHERD_CONFIG_UNSAVED: {
    failure: "environment",
    retry: "never",
    meaning: "rancherd's configuration cannot be written.",
    mend: "Look whether /etc/rancher/rancherd may be written to and whether the disk is full.",
  },
} as const satisfies ErrorTable<RancherdErrorCode>;

export class RancherdError extends CodedError<RancherdErrorCode> {
  constructor(code: RancherdErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(RANCHERD_ERRORS, code, message, options);
  }
}
