/** Which replica does what only one should do. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Kubernetes } from "../controller/index.ts";
import type { Log } from "../telemetry/index.ts";
import { leaseStore } from "./io/lease-store.ts";
import { alwaysLeading, startElection, type Election } from "./leader-election.ts";
import { ledWrites, type LedWrites } from "./led-writes.ts";

export { LEADERSHIP_ERRORS, LeadershipError } from "./errors.ts";
export type { LeadershipErrorCode } from "./errors.ts";
export type { Election } from "./leader-election.ts";

const LEASE_NAME = "rancheros-operator";
/** How long writes that are under way may take when the operator stops. */
const WRITES_GRACE_MS = 1_000;

export interface LeadershipOptions {
  /** Of the Lease. */
  readonly namespace: string;
  /** Operators that serve different namespaces do not share their work. */
  readonly watchNamespace: string | undefined;
  /** Nobody else's. */
  readonly identity: string;
  /** False: this is the only replica. */
  readonly isElected: boolean;
}

export interface Leadership extends Omit<Election, "stop"> {
  /** For writes of the leader; without leadership they throw LEADERSHIP_LOST. */
  readonly kubernetes: Kubernetes;
  /** Leads no more from this call on; settles when the Lease is given back, or could not be. */
  stop(): Promise<void>;
}

export function startLeadership(kubernetes: Kubernetes, log: Log, options: LeadershipOptions): Leadership {
  const { namespace, watchNamespace, identity, isElected } = options;
  const name = watchNamespace === undefined ? LEASE_NAME : `${LEASE_NAME}-${watchNamespace}`;
  const election = isElected
    ? startElection({
        store: leaseStore(kubernetes, namespace, name),
        identity,
        steadyMs: () => performance.now(),
        nowMs: () => Date.now(),
        random: Math.random,
        sleep: async (delayMs, signal) => sleep(delayMs, undefined, { signal, ref: false }).catch(() => undefined),
        log,
      })
    : alwaysLeading();
  const led: LedWrites = ledWrites(kubernetes, election);
  return {
    ...election,
    kubernetes: led.kubernetes,
    stop: () => election.stop(async () => led.settled(WRITES_GRACE_MS)),
  };
}
