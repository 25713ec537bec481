/** For a failure that a command's own output has told: it decides the exit code and is not printed again. */
import type { CodedError } from "@rancheros/protocol/errors";

export class AlreadyTold extends Error {
  readonly failure: CodedError;

  constructor(failure: CodedError) {
    super(failure.message, { cause: failure });
    this.failure = failure;
  }
}
