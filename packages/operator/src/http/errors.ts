/** How a machine's visit can go wrong on its way through HTTP and websocket. */
import { CodedError, type CodedErrorOptions, type ErrorTable } from "@rancheros/protocol/errors";

export type SessionErrorCode =
  | "EK_NOT_LEGACY"
  | "CHALLENGE_FAILED"
  | "SESSION_SILENT"
  | "SESSION_SLOW"
  | "SESSION_SECOND_ANSWER"
  | "SESSION_BROKEN"
  | "SESSION_LEFT"
  | "SESSION_TOO_MANY"
  | "SESSION_RATE"
  | "OPERATOR_NOT_READY"
  | "SERVER_URL_NOT_SET"
  | "CONFIG_TOO_LARGE"
  | "AUTHORIZATION_MISSING"
  | "AUTHORIZATION_UNSUPPORTED"
  | "MACHINE_UNKNOWN"
  | "MACHINE_TOKEN_UNKNOWN"
  | "CHANNEL_MISMATCH"
  | "PROOF_WRONG"
  | "CHALLENGE_RATE"
  | "PROTOCOL_CHANGED"
  | "MACHINE_NOT_APPROVED"
  | "MACHINE_DENIED"
  | "MACHINE_ELSEWHERE"
  | "LEGACY_REFUSED"
  | "LEGACY_DOWNGRADE"
  | "ENDPOINT_UNKNOWN"
  | "METHOD_NOT_ALLOWED"
  | "REQUEST_TOO_LARGE"
  | "REQUEST_SLOW"
  | "REQUEST_BROKEN"
  | "CONTENT_TYPE_UNSUPPORTED"
  | "CERTIFICATE_INVALID"
  | "LISTEN_FAILED";

export const SESSION_ERRORS: ErrorTable<SessionErrorCode> = {
  EK_NOT_LEGACY: {
    failure: "refused",
    retry: "never",
    meaning: "The TPM's endorsement key is not RSA-2048, which is all that rancherd's protocol can carry.",
    mend: "Use a TPM whose endorsement key is RSA-2048, or switch that one on in the firmware.",
  },
  CHALLENGE_FAILED: {
    failure: "refused",
    retry: "never",
    meaning: "The machine could not show that it holds the endorsement key that it named.",
    mend: "If it is one of yours, its TPM may have been cleared or changed meanwhile; if not, somebody tries keys.",
  },
  SESSION_SILENT: {
    failure: "timeout",
    retry: "never",
    meaning: "The machine did not answer its challenge in time.",
    mend: "Look at the machine's log; a TPM that takes longer than ten seconds for one command is in trouble.",
  },
  SESSION_SLOW: {
    failure: "timeout",
    retry: "backoff",
    meaning: "The operator could not finish in time after the machine had answered.",
    mend: "Nothing to do on the machine: it comes back. Look at the API server's latency.",
  },
  SESSION_SECOND_ANSWER: {
    failure: "refused",
    retry: "never",
    meaning: "The machine sent more than one answer to one challenge.",
    mend: "No honest client does that: look where the request came from.",
  },
  SESSION_BROKEN: {
    failure: "nonsense",
    retry: "never",
    meaning: "The client broke the websocket protocol or sent more than is allowed.",
    mend: "Look for a proxy between machine and operator that does not pass websockets on as they are.",
  },
  SESSION_LEFT: {
    failure: "unreachable",
    retry: "backoff",
    meaning: "The machine closed the connection before the end.",
    mend: "Look at the machine's log; nothing was changed for it in the cluster if it had not proved itself.",
  },
  SESSION_TOO_MANY: {
    failure: "refused",
    retry: "backoff",
    meaning:
      "As many machines as allowed are in the middle of their challenge, or of a question or report in their session.",
    mend: "Nothing to do: machines come back by themselves. --max-sessions allows more at one time.",
  },
  SESSION_RATE: {
    failure: "refused",
    retry: "backoff",
    meaning:
      "One machine has reported itself or how far its upgrade is, or has asked for its plan, more often than honest ones do.",
    mend: "Look at that machine: ros-agent stays far below. Set spec.approval of its MachineInventory to Denied where it is in wrong hands.",
  },
  OPERATOR_NOT_READY: {
    failure: "refused",
    retry: "backoff",
    meaning: "The operator has not read the cluster's objects yet, or has heard nothing of them for too long.",
    mend: "Wait; if it lasts, the operator's log says what keeps it from its API server.",
  },
  SERVER_URL_NOT_SET: {
    failure: "refused",
    retry: "backoff",
    meaning: "The operator does not know under which address machines reach it.",
    mend: "Give the operator --server-url, or set server-url in Rancher's settings.",
  },
  CONFIG_TOO_LARGE: {
    failure: "refused",
    retry: "backoff",
    meaning: "The cloud config of a MachineRegistration is larger than what machines take.",
    mend: "Make spec.cloudConfig smaller: what is large, the machine can fetch by itself. Some 90 KiB of JSON are taken.",
  },
  AUTHORIZATION_MISSING: {
    failure: "refused",
    retry: "never",
    meaning: "The request has no Authorization header.",
    mend: "rancherd and ros-agent send one; a proxy may have taken it away.",
  },
  AUTHORIZATION_UNSUPPORTED: {
    failure: "refused",
    retry: "never",
    meaning: "The Authorization header is neither a TPM's nor a shared secret's.",
    mend: "Use Bearer TPM with attestation data, or Bearer with the base64 of the shared secret.",
  },
  MACHINE_UNKNOWN: {
    failure: "refused",
    retry: "never",
    meaning: "No MachineInventory, or more than one, belongs to this TPM or shared secret.",
    mend: "Register the machine first, or make a MachineInventory with its TPM hash; two for one machine must become one. One whose MachineInventory was deleted does not come back by itself: whoever deletes it wants it out.",
  },
  MACHINE_TOKEN_UNKNOWN: {
    failure: "refused",
    retry: "never",
    meaning: "No Secret of type rancheros.cattle.io/token, or more than one, holds this shared secret.",
    mend: "Compare the machine's token with the Secret that spec.machineTokenSecretName names; each machine needs its own.",
  },
  CHANNEL_MISMATCH: {
    failure: "refused",
    retry: "never",
    meaning: "The machine sees another TLS key than this operator serves: something between them ends TLS.",
    mend: "If it is your proxy, give --channel-keys the SHA-256 of its certificate's public key; if not, somebody listens.",
  },
  PROOF_WRONG: {
    failure: "refused",
    retry: "never",
    meaning: "The answer does not show that the TPM gave up the secret, or the report beside it was changed.",
    mend: "If the machine is yours, look for a proxy that changes bodies; if not, somebody tries keys.",
  },
  CHALLENGE_RATE: {
    failure: "refused",
    retry: "backoff",
    meaning:
      "From one source address came more wrong answers to challenges than --failed-challenge-rate allows in a minute.",
    mend: "Look in the operator's log for who answers wrongly; honest machines of the same address are not affected.",
  },
  PROTOCOL_CHANGED: {
    failure: "refused",
    retry: "never",
    meaning: "The answer names another version of the protocol than its challenge.",
    mend: "No honest client does that: look for a proxy that changes bodies.",
  },
  MACHINE_NOT_APPROVED: {
    failure: "refused",
    retry: "backoff",
    meaning: "The machine has proved itself and waits until a person lets it in.",
    mend: `kubectl patch machineinventory NAME --type=merge -p '{"spec":{"approval":"Approved"}}'; the machine asks again by itself.`,
  },
  MACHINE_DENIED: {
    failure: "refused",
    retry: "never",
    meaning: "A person denied the machine: spec.approval of its MachineInventory is Denied.",
    mend: "Set spec.approval of the MachineInventory to Approved if the machine is to come in after all.",
  },
  MACHINE_ELSEWHERE: {
    failure: "refused",
    retry: "never",
    meaning: "The machine's MachineInventory is in another namespace than the registration that it came through.",
    mend: "Use a registration of that namespace, or delete the MachineInventory there first.",
  },
  LEGACY_REFUSED: {
    failure: "refused",
    retry: "never",
    meaning: "The registration refuses the protocol of rancherd (spec.attestation.legacyProtocol).",
    mend: "Register with ros-agent, or set legacyProtocol to allow for machines that can do no better.",
  },
  LEGACY_DOWNGRADE: {
    failure: "refused",
    retry: "never",
    meaning: "The machine has used the attestation protocol before and now registers by the weaker one of rancherd.",
    mend: "Register with ros-agent; who means it takes the annotation rancheros.cattle.io/protocol off the MachineInventory.",
  },
  ENDPOINT_UNKNOWN: {
    failure: "refused",
    retry: "never",
    meaning: "There is no such endpoint of the attestation protocol.",
    mend: "Check the client's version against docs/protocol.md.",
  },
  METHOD_NOT_ALLOWED: {
    failure: "refused",
    retry: "never",
    meaning: "The endpoint is there for another method.",
    mend: "Check the client against docs/protocol.md, and that no proxy changes methods on a redirect.",
  },
  REQUEST_SLOW: {
    failure: "timeout",
    retry: "backoff",
    meaning: "A request's headers or body did not come in time.",
    mend: "Look at the network between the machine and the operator; who sends a byte now and then is hostile.",
  },
  REQUEST_BROKEN: {
    failure: "nonsense",
    retry: "never",
    meaning: "What came is no HTTP request.",
    mend: "Check that the client speaks HTTP or HTTPS as the port wants it, and that no proxy changes requests.",
  },
  REQUEST_TOO_LARGE: {
    failure: "refused",
    retry: "never",
    meaning:
      "The request's headers or body are larger than the protocol allows, or the body came in thousands of small pieces.",
    mend: "Send less of the SMBIOS and of the hardware in the report, and no chunks of single bytes.",
  },
  CONTENT_TYPE_UNSUPPORTED: {
    failure: "refused",
    retry: "never",
    meaning: "The request's body is not declared as application/json.",
    mend: "Check the client against docs/protocol.md.",
  },
  CERTIFICATE_INVALID: {
    failure: "environment",
    retry: "backoff",
    meaning:
      "A file that was given holds no certificate, the key beside it belongs to another one, or TLS takes neither, as with a key that is too small.",
    mend: "Give a certificate chain and its key as PEM; both are read again every ten seconds, and what was there before is used meanwhile.",
  },
  LISTEN_FAILED: {
    failure: "environment",
    retry: "never",
    meaning: "The operator cannot listen where a setting says.",
    mend: "Stop the other program, or choose another address or port with that setting.",
  },
};

export class SessionError extends CodedError<SessionErrorCode> {
  constructor(code: SessionErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(SESSION_ERRORS, code, message, options);
  }
}

/** For a machine that only goes on: none is made for it, as somebody may have deleted the one that it had. */
export function machineUnknown(ekHash: string): SessionError {
  const what = "no MachineInventory belongs to this machine: it was deleted, or the machine never registered";
  return new SessionError(
    "MACHINE_UNKNOWN",
    `${what}; register it again, or make a MachineInventory with spec.tpm ${ekHash}`,
  );
}
