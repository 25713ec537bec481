/** What can be wrong with the file of default objects. */
import { CodedError, type CodedErrorOptions, type ErrorTable } from "@rancheros/protocol/errors";

export const DEFAULTS_ERRORS: ErrorTable<"DEFAULTS_INVALID"> = {
  DEFAULTS_INVALID: {
    failure: "usage",
    retry: "never",
    meaning: "The file with default objects (--defaults-file) is no YAML of MachineRegistrations and ManagedOSImages.",
    mend: "Correct what the message names; the chart writes the file from defaultRegistration and defaultOSImage.",
  },
};

export class DefaultsError extends CodedError<"DEFAULTS_INVALID"> {
  constructor(message: string, options: CodedErrorOptions = {}) {
    super(DEFAULTS_ERRORS, "DEFAULTS_INVALID", message, options);
  }
}
