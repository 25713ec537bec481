/** What can be wrong with the settings. */
import { CodedError, type CodedErrorOptions, type ErrorTable } from "@rancheros/protocol/errors";

export type SettingsErrorCode = "SETTINGS_INVALID" | "SETTINGS_FILE_UNREADABLE";

export const SETTINGS_ERRORS: ErrorTable<SettingsErrorCode> = {
  SETTINGS_INVALID: {
    failure: "usage",
    retry: "never",
    meaning: "A flag or an environment variable has a value that cannot be.",
    mend: "rancheros-operator --help lists all commands and settings.",
  },
  SETTINGS_FILE_UNREADABLE: {
    failure: "usage",
    retry: "never",
    meaning: "A file that a flag or an environment variable names is not there, or may not be read.",
    mend: "Check the path, inside the container where the operator runs in one, and the file's rights; in a pod, that the Secret or ConfigMap is mounted.",
  },
};

export class SettingsError extends CodedError<SettingsErrorCode> {
  constructor(code: SettingsErrorCode, problems: readonly string[], options: CodedErrorOptions = {}) {
    super(SETTINGS_ERRORS, code, problems.join("; "), options);
  }
}
