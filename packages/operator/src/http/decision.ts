/** What was decided about a machine: handed to one place, whatever the protocol. Fields hold no token, secret or config. */

export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
  readonly uid?: string | undefined;
}

export interface Decision {
  readonly kind: "admitted" | "known" | "pending" | "refused" | "left";
  /** Code of an error table, or MACHINE_REGISTERED, MACHINE_KNOWN, MACHINE_PENDING, MACHINE_REPORTED. */
  readonly reason: string;
  readonly protocol: "legacy" | "attestation" | "none";
  /** The error's message, where there is one. */
  readonly sentence?: string | undefined;
  readonly remote: string | undefined;
  /** SHA-256 of the endorsement key, hex; proved only where the decision is no refusal. */
  readonly ekHash?: string | undefined;
  /** Name of the attestation key, hex. */
  readonly akName?: string | undefined;
  readonly registration?: ObjectName | undefined;
  readonly inventory?: ObjectName | undefined;
  readonly endpoint?: string | undefined;
  readonly status?: number | undefined;
}

/** Never throws, and never waits. */
export type Decide = (decision: Decision) => void;
