/** How the operator talks to its API server, and how its controllers work. */
export type { ControllerParts, Lead } from "./controller-parts.ts";
export { KUBERNETES_ERRORS, KubernetesError } from "./errors.ts";
export type { KubernetesErrorCode } from "./errors.ts";
export { connectKubernetes, loadKubeConfig, METADATA_ONLY, readOrNothing } from "./io/kubernetes.ts";
export type { Kubernetes, KubernetesRequest } from "./io/kubernetes.ts";
export { collectionPath, watchResource } from "./io/watch-resource.ts";
export type { NamedObject, WatchedResource, WatchHandle } from "./io/watch-resource.ts";
export { retryTimer } from "./io/retry-timer.ts";
export { createClusterClock } from "./cluster-clock.ts";
export type { ClusterClock } from "./cluster-clock.ts";
export { retryAfterMs } from "./retry-after.ts";
export { GoneUids } from "./gone-uids.ts";
export { orAborted } from "./or-aborted.ts";
export { isObjectName } from "./request-path.ts";
export { createWorkQueue } from "./work-queue.ts";
export type { QueueLoad, WorkQueue } from "./work-queue.ts";
export { createPacedQueue } from "./paced-queue.ts";
export type { PacedQueue } from "./paced-queue.ts";
