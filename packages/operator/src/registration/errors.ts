/** What can be wrong with a MachineRegistration itself. */
import { CodedError, type ErrorTable } from "@rancheros/protocol/errors";

export const REGISTRATION_STATUS_ERRORS: ErrorTable<"REGISTRATION_CONTESTED"> = {
  REGISTRATION_CONTESTED: {
    failure: "refused",
    retry: "backoff",
    meaning:
      "Somebody else changes the status that this operator has written, most likely an operator with another server URL.",
    mend: "Give all operators of a cluster one --server-url, or keep them apart with --watch-namespace.",
  },
};

export class RegistrationContestedError extends CodedError<"REGISTRATION_CONTESTED"> {
  /** Takes addresses with their tokens, and shows where they lead only. */
  constructor(published: string, ours: string) {
    const origin = URL.canParse(published) ? new URL(published).origin : "no address";
    const message = `somebody publishes ${origin} here, and this operator is set to ${ours === "" ? "no address" : ours}`;
    super(REGISTRATION_STATUS_ERRORS, "REGISTRATION_CONTESTED", message);
  }
}
