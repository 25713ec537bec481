/** What can be wrong with the settings. */
import { CodedError, type CodedErrorOptions, type ErrorTable } from "@rancheros/protocol/errors";

export const SETTINGS_ERRORS: ErrorTable<"SETTINGS_INVALID"> = {
  SETTINGS_INVALID: {
    failure: "usage",
    retry: "never",
    meaning: "A flag or an environment variable has a value that cannot be.",
    mend: "rancheros-operator --help lists all commands and settings.",
  },
};

export class SettingsError extends CodedError<"SETTINGS_INVALID"> {
  constructor(problems: readonly string[], options: CodedErrorOptions = {}) {
    super(SETTINGS_ERRORS, "SETTINGS_INVALID", problems.join("; "), options);
  }
}
