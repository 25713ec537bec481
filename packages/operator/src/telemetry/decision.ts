/** What the operator decides about machines: the words of its audit log, of its metrics and of its Events. */

/**
 * admitted: a machine was let in for the first time. known: one that had been let in got what it asked for. pending: it
 * waits for a person. refused: it got nothing. left: it went away before anything was decided.
 */
export const DECISION_KINDS = ["admitted", "known", "pending", "refused", "left"] as const;
export type DecisionKind = (typeof DECISION_KINDS)[number];

/** legacy: rancherd's websocket protocol. attestation: ours. none: a request that speaks neither. */
export const DECISION_PROTOCOLS = ["legacy", "attestation", "none"] as const;
export type DecisionProtocol = (typeof DECISION_PROTOCOLS)[number];

/** The reasons of what is no refusal; those of refusals are the codes of the error tables. */
export const DECISION_REASONS = {
  MACHINE_REGISTERED: "A machine has proved itself, and a MachineInventory was made or claimed for it.",
  MACHINE_KNOWN: "A machine that has a MachineInventory has proved itself again.",
  MACHINE_CERTIFICATE_RECORDED:
    "A known machine showed another endorsement key certificate, of the same root or accepted by an administrator; it is recorded now.",
  MACHINE_PENDING: "A machine has proved itself and waits until spec.approval of its MachineInventory is Approved.",
  MACHINE_CONFIGURED: "A machine that belongs to a cluster was given its configuration.",
  MACHINE_REPORTED: "A machine with a session has told how it is, or asked whether it may go on.",
  INTERNAL: "Something happened that the operator does not expect: its log says what. Please report it.",
} as const satisfies Readonly<Record<string, string>>;
export type DecisionReason = keyof typeof DECISION_REASONS;

/** What stands for a reason that is in no table: labels of metrics come from closed sets only. */
export const UNKNOWN_REASON = "INTERNAL" satisfies DecisionReason;

/** Names an object of the cluster; with its uid, `kubectl describe` shows the Event. */
export interface ObjectReference {
  readonly namespace: string;
  readonly name: string;
  readonly uid?: string | undefined;
}

/** Everything here is written down as it is: no token, secret or configuration may be in it. */
export interface Decision {
  readonly kind: DecisionKind;
  /** Of DECISION_REASONS or of an error table. */
  readonly reason: string;
  readonly protocol: DecisionProtocol;
  /** The error's message, where there is one. */
  readonly sentence?: string | undefined;
  /** Address of who asked. */
  readonly remote: string | undefined;
  /** SHA-256 of the endorsement key, hex; proved only where the decision is no refusal. */
  readonly ekHash?: string | undefined;
  /** Name of the attestation key, hex. */
  readonly akName?: string | undefined;
  readonly registration?: ObjectReference | undefined;
  readonly inventory?: ObjectReference | undefined;
  /** Keys of labels and annotations that the machine wished for in vain. */
  readonly notAccepted?: readonly string[] | undefined;
  /** Which endpoint was asked; never its path, which may hold a token. */
  readonly endpoint?: string | undefined;
  /** HTTP status of the answer. */
  readonly status?: number | undefined;
  /** From the first message to the decision. */
  readonly durationMs?: number | undefined;
}
