/** How the operator talks to its API server, and how its controllers work. */
export type { ControllerParts } from "./controller-parts.ts";
export { KUBERNETES_ERRORS, KubernetesError } from "./errors.ts";
export type { KubernetesErrorCode } from "./errors.ts";
export { connectKubernetes, loadKubeConfig, readOrNothing } from "./io/kubernetes.ts";
export type { Kubernetes, KubernetesRequest } from "./io/kubernetes.ts";
export { collectionPath, watchResource } from "./io/watch-resource.ts";
export type { WatchedResource, WatchHandle } from "./io/watch-resource.ts";
export { createWorkQueue } from "./work-queue.ts";
export type { WorkQueue } from "./work-queue.ts";
