/** Draining a node of the cluster: cordon, evict, wait, as `kubectl drain` does it. */
import { setTimeout as sleep } from "node:timers/promises";

import type { KubernetesClient } from "../kubernetes/index.ts";
import type { DrainOutside } from "./course.ts";
import { drainThrough, type DrainReport, type DrainRequest } from "./drain-node.ts";

const OUTSIDE: DrainOutside = {
  nowMs: () => performance.now(),
  random: Math.random,
  sleep: (delayMs, signal) => sleep(delayMs, undefined, { signal }),
};

/**
 * Cordons a node and evicts its pods as `kubectl drain` does, all or none. Draining again goes on where it ended.
 * Beyond kubectl: evictions carry the pod's UID, so that no other pod of that name is met; the API server may be away for
 * as long as there is time; the kubelet's own identity suffices for its node.
 * @throws DrainError, NodeApiError
 */
export function drainNode(client: KubernetesClient, request: DrainRequest): Promise<DrainReport> {
  return drainThrough(OUTSIDE, client, request);
}

export { FIELD_MANAGER, cordonNode, uncordonNode } from "./cordon.ts";
export type { CordonOptions, CordonResult } from "./cordon.ts";
export type { DrainEvent, DryRun } from "./drain-event.ts";
export type { DrainReport, DrainRequest } from "./drain-node.ts";
export { DEFAULT_DRAIN_OPTIONS, drainOptions } from "./drain-options.ts";
export type { DrainOptions, DrainSpec } from "./drain-options.ts";
export { drainVerdict, readDrainVerdict } from "./drain-verdict.ts";
export type { DrainVerdict, NodeFacts } from "./drain-verdict.ts";
export { DRAIN_ERRORS, DrainError } from "./errors.ts";
export type { DrainErrorCode, PodFailure } from "./errors.ts";
export { goDuration } from "./go-duration.ts";
export type { PodName } from "./node-pod.ts";
