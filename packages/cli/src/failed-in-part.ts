/** For a failure after which something is done all the same: with --json both are one document. */
import type { CodedError } from "@rancheros/protocol/errors";

export class FailedInPart extends Error {
  readonly failure: CodedError;
  /** What the command prints with --json where all goes well. */
  readonly done: object;

  constructor(failure: CodedError, done: object) {
    super(failure.message, { cause: failure });
    this.failure = failure;
    this.done = done;
  }
}
