/** What every controller is made of. */
import type { Log } from "../telemetry/index.ts";
import type { Kubernetes } from "./io/kubernetes.ts";

/** Whether this replica does what only one should do; leadership/ decides it. */
export interface Lead {
  readonly isLeader: () => boolean;
  /** Called each time when this replica begins to lead. */
  readonly onLeading: (begin: () => void) => void;
  /** The API server for such work: writes fail where this replica does not lead any more. */
  readonly kubernetes: Kubernetes;
}

export interface ControllerParts {
  readonly kubernetes: Kubernetes;
  /** Undefined for all namespaces. */
  readonly watchNamespace: string | undefined;
  readonly log: Log;
  readonly lead: Lead;
  /** The cluster's time: what is written and what is decided by it is the same on all replicas. */
  readonly nowMs: () => number;
}
