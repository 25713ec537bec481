/** Why something that the operator sealed is not taken back. */
import { CodedError, type CodedErrorOptions, type ErrorTable } from "@rancheros/protocol/errors";

export type SealErrorCode =
  | "NONCE_INVALID"
  | "NONCE_EXPIRED"
  | "STATE_INVALID"
  | "CHALLENGE_EXPIRED"
  | "SESSION_INVALID"
  | "SESSION_EXPIRED"
  | "SESSION_KEYS_MISSING";

export const SEAL_ERRORS: ErrorTable<SealErrorCode> = {
  NONCE_INVALID: {
    failure: "refused",
    retry: "backoff",
    meaning: "The nonce was not made by this operator, or was changed, or its key is gone.",
    mend: "The machine asks for another nonce by itself; if it stays so, two operators answer at one address.",
  },
  NONCE_EXPIRED: {
    failure: "refused",
    retry: "backoff",
    meaning: "The machine took longer than a nonce is good for, or replicas take different times for the present one.",
    mend: "The machine asks for another nonce by itself; if it stays so, compare the clocks of the API servers: replicas go by them.",
  },
  STATE_INVALID: {
    failure: "refused",
    retry: "backoff",
    meaning: "The state beside the answer was not sealed by this operator, or was changed, or its key is gone.",
    mend: "The machine begins again by itself; if it stays so, two operators answer at one address.",
  },
  CHALLENGE_EXPIRED: {
    failure: "refused",
    retry: "backoff",
    meaning:
      "The machine took longer over its challenge than that is good for, or replicas take different times for the present one.",
    mend: "The machine begins again by itself; a TPM that takes so long again and again is in trouble.",
  },
  SESSION_INVALID: {
    failure: "refused",
    retry: "never",
    meaning: "The session token is none of this operator's, or its machine is gone.",
    mend: "Let the machine attest again; one whose MachineInventory was deleted registers anew.",
  },
  SESSION_EXPIRED: {
    failure: "refused",
    retry: "never",
    meaning: "The session token's time is over.",
    mend: "The machine attests again by itself and gets another one.",
  },
  SESSION_KEYS_MISSING: {
    failure: "refused",
    retry: "backoff",
    meaning:
      "The operator has not read or made its keys for sessions yet, or too many already wait for it to read them for a key that it does not know.",
    mend: "Wait: the machine comes again by itself. If it lasts, the operator's log says `session keys not read`, and why: it may not read and write the Secret rancheros-session-keys in its namespace, or the API server is slow or away. Where many wait, somebody asks with tokens that they made up meanwhile.",
  },
};

/** Never holds a token, a secret or a key. */
export class SealError extends CodedError<SealErrorCode> {
  constructor(code: SealErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(SEAL_ERRORS, code, message, options);
  }
}
