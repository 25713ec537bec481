/** What can be wrong with a command line. */
import { CodedError } from "@rancheros/protocol/errors";
import type { CodedErrorOptions, ErrorTable } from "@rancheros/protocol/errors";

export type CliErrorCode =
  "CLI_COMMAND_UNKNOWN" | "CLI_USAGE" | "CLI_FILE_UNREADABLE" | "CLI_INTERRUPTED" | "CLI_OUTPUT_LOST" | "CLI_DEFECT";

export const CLI_ERRORS = {
  CLI_COMMAND_UNKNOWN: {
    failure: "usage",
    retry: "never",
    meaning: "There is no command of this name.",
    mend: "`ros-agent help` lists the commands.",
  },
  CLI_USAGE: {
    failure: "usage",
    retry: "never",
    meaning: "A flag or an argument is unknown, missing or has a value that cannot be.",
    mend: "`ros-agent help COMMAND` describes the flags and arguments of a command.",
  },
  CLI_FILE_UNREADABLE: {
    failure: "environment",
    retry: "never",
    meaning: "A file that the command line names cannot be read.",
    mend: "Check that the file exists and that this user may read it.",
  },
  CLI_INTERRUPTED: {
    failure: "interrupted",
    retry: "never",
    meaning: "The command was broken off while it read what it was given; it has done nothing yet.",
    mend: "Run the command again.",
  },
  CLI_OUTPUT_LOST: {
    failure: "environment",
    retry: "never",
    meaning: "What was to be printed could not be written to where stdout leads. What the command does it has done.",
    mend: "Make room, or let stdout lead elsewhere, and run the command again.",
  },
  CLI_DEFECT: {
    failure: "internal",
    retry: "never",
    meaning: "Something happened that this program does not expect.",
    mend: "This is a defect of this program: please report it with what DEBUG=1 prints.",
  },
} as const satisfies ErrorTable<CliErrorCode>;

export class CliError extends CodedError<CliErrorCode> {
  constructor(code: CliErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(CLI_ERRORS, code, message, options);
  }
}
