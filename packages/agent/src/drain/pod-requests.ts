/** The two ways to ask the API server for the end of a pod. */
import { isMap, type ApiRequest, type KubernetesClient } from "../kubernetes/index.ts";
import type { Course } from "./course.ts";
import type { DrainOptions } from "./drain-options.ts";
import type { NodePod } from "./node-pod.ts";

export type EvictionVersion = "policy/v1" | "policy/v1beta1";

/**
 * How this API server takes evictions.
 * @returns undefined where it takes none, so that pods are deleted
 * Source: k8s.io/kubectl/pkg/drain, CheckEvictionSupport
 */
export async function readEvictionVersion(
  client: KubernetesClient,
  signal: AbortSignal,
): Promise<EvictionVersion | undefined> {
  const discovery = await client.send({ method: "GET", path: "/api/v1", signal });
  const resources: readonly unknown[] =
    isMap(discovery) && Array.isArray(discovery["resources"]) ? discovery["resources"] : [];
  const eviction = resources.filter(isMap).find(({ name, kind }) => name === "pods/eviction" && kind === "Eviction");
  if (eviction === undefined || !eviction["group"] || !eviction["version"]) return undefined;
  return eviction["group"] === "policy" && eviction["version"] === "v1" ? "policy/v1" : "policy/v1beta1";
}

export interface PodRequestOptions {
  readonly options: Pick<DrainOptions, "gracePeriodSeconds">;
  readonly isDryRun: boolean;
  readonly course: Pick<Course, "signal" | "requestMs">;
}

export function evictionRequest(pod: NodePod, apiVersion: EvictionVersion, asked: PodRequestOptions): ApiRequest {
  const { namespace, name } = pod;
  return {
    method: "POST",
    path: `${podPath(pod)}/eviction`,
    body: { apiVersion, kind: "Eviction", metadata: { name, namespace }, deleteOptions: deleteOptions(pod, asked) },
    signal: asked.course.signal,
    timeoutMs: asked.course.requestMs(),
  };
}

export function deletionRequest(pod: NodePod, asked: PodRequestOptions): ApiRequest {
  const body = { apiVersion: "v1", kind: "DeleteOptions", ...deleteOptions(pod, asked) };
  // As with kubectl, the drain's time is for the waiting: what is answered late is answered.
  return { method: "DELETE", path: podPath(pod), body, signal: asked.course.signal };
}

/** Unlike kubectl with the UID: a StatefulSet's pod may have come back under its name on another node. */
function deleteOptions({ uid }: NodePod, { options, isDryRun }: PodRequestOptions): Readonly<Record<string, unknown>> {
  const { gracePeriodSeconds } = options;
  return {
    preconditions: { uid },
    ...(gracePeriodSeconds < 0 ? {} : { gracePeriodSeconds }),
    ...(isDryRun ? { dryRun: ["All"] } : {}),
  };
}

function podPath({ namespace, name }: NodePod): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
}
