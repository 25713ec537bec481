/** What can be wrong with a MachineRegistration itself, and why it lets somebody not in. */
import { CodedError, type CodedErrorOptions, type ErrorTable } from "@rancheros/protocol/errors";

/** Why a machine is not let in before it was asked anything. */
export type RegistrationRefusal =
  | "REGISTRATION_UNKNOWN"
  | "REGISTRATION_UNREADABLE"
  | "REGISTRATION_DISABLED"
  | "REGISTRATION_EXPIRED"
  | "REGISTRATION_FULL"
  | "REGISTRATION_RATE";

export const REGISTRATION_STATUS_ERRORS: ErrorTable<"REGISTRATION_CONTESTED" | RegistrationRefusal> = {
  REGISTRATION_CONTESTED: {
    failure: "refused",
    retry: "backoff",
    meaning:
      "Somebody else changes the status that this operator has written, most likely an operator with another server URL.",
    mend: "Give all operators of a cluster one --server-url, or keep them apart with --watch-namespace.",
  },
  REGISTRATION_UNKNOWN: {
    failure: "refused",
    retry: "never",
    meaning: "No MachineRegistration, or more than one, has the token of this URL.",
    mend: "Take the URL from kubectl get machineregistrations -o wide; tokens of deleted registrations end with them.",
  },
  REGISTRATION_UNREADABLE: {
    failure: "refused",
    retry: "backoff",
    meaning:
      "The MachineRegistration is stored in a form that this operator cannot read, as one of a newer chart may be. Nobody registers through it meanwhile, and machines come back by themselves.",
    mend: "Its condition Ready names the field: kubectl describe it and change that, or run the operator of the chart that it was written for.",
  },
  REGISTRATION_DISABLED: {
    failure: "refused",
    retry: "never",
    meaning: "The MachineRegistration is switched off.",
    mend: "Set spec.disabled of the MachineRegistration to false.",
  },
  REGISTRATION_EXPIRED: {
    failure: "refused",
    retry: "never",
    meaning: "The MachineRegistration's token has expired.",
    mend: "Set spec.token.expiresAt of the MachineRegistration to a later time, or take it away.",
  },
  REGISTRATION_FULL: {
    failure: "refused",
    retry: "never",
    meaning: "As many machines as allowed came through this MachineRegistration.",
    mend: "Raise spec.token.maxMachines, or delete MachineInventories of machines that are gone.",
  },
  REGISTRATION_RATE: {
    failure: "refused",
    retry: "backoff",
    meaning: "Machines come more often than the MachineRegistration or the operator allows.",
    mend: "Nothing to do: machines come back by themselves. See spec.rateLimit and --unknown-token-rate.",
  },
};

const SENTENCES: Readonly<Record<RegistrationRefusal, string>> = {
  REGISTRATION_UNKNOWN: "MachineRegistration does not exist",
  REGISTRATION_UNREADABLE: "the operator cannot read this MachineRegistration; its condition Ready says why",
  REGISTRATION_DISABLED: "MachineRegistration is disabled",
  REGISTRATION_EXPIRED: "the token of this MachineRegistration has expired",
  REGISTRATION_FULL: "MachineRegistration takes no more machines",
  REGISTRATION_RATE: "too many visits, come back later",
};

export class RegistrationRefusedError extends CodedError<"REGISTRATION_CONTESTED" | RegistrationRefusal> {
  constructor(code: RegistrationRefusal, options: CodedErrorOptions = {}) {
    super(REGISTRATION_STATUS_ERRORS, code, SENTENCES[code], options);
  }
}

export class RegistrationContestedError extends CodedError<"REGISTRATION_CONTESTED" | RegistrationRefusal> {
  /** Takes addresses with their tokens, and shows where they lead only. */
  constructor(published: string, ours: string) {
    const origin = URL.canParse(published) ? new URL(published).origin : "no address";
    const message = `somebody publishes ${origin} here, and this operator is set to ${ours === "" ? "no address" : ours}`;
    super(REGISTRATION_STATUS_ERRORS, "REGISTRATION_CONTESTED", message);
  }
}
