/** What can go wrong with leading. */
import { CodedError, type CodedErrorOptions, type ErrorTable } from "@rancheros/protocol/errors";

export type LeadershipErrorCode = "LEADERSHIP_LOST";

export const LEADERSHIP_ERRORS: ErrorTable<LeadershipErrorCode> = {
  LEADERSHIP_LOST: {
    failure: "refused",
    retry: "backoff",
    meaning: "This replica does not lead any more, and leaves the work to the one that does.",
    mend: "Nothing to do: the replica that leads does the work. Where none does, look at the Lease and at the API server.",
  },
};

export class LeadershipError extends CodedError<LeadershipErrorCode> {
  constructor(code: LeadershipErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(LEADERSHIP_ERRORS, code, message, options);
  }
}
