/** What every controller is made of. */
import type { Log } from "../telemetry/index.ts";
import type { Kubernetes } from "./io/kubernetes.ts";

export interface ControllerParts {
  readonly kubernetes: Kubernetes;
  /** Undefined for all namespaces. */
  readonly watchNamespace: string | undefined;
  readonly log: Log;
}
