/** What an API server's refusal of an eviction means for the pod. */
import { isPassing, type NodeApiError } from "../kubernetes/index.ts";

export type EvictionRefusal =
  | { readonly kind: "gone" }
  /** It is in deletion already and only has to be waited for. */
  | { readonly kind: "ending" }
  | { readonly kind: "blocked"; readonly budget: string | undefined; readonly why: string; readonly retryInMs: number }
  | { readonly kind: "namespace-terminating"; readonly retryInMs: number }
  /** Nobody knows what came of it: look, then ask again. */
  | { readonly kind: "unsure" }
  | { readonly kind: "final" };

/** kubectl's EvictErrorRetryDelay. */
export const EVICTION_RETRY_MS = 5_000;
/**
 * The API server's own sentence of a conflict: the pod is another one by now, or the pod or its budget changed under each of
 * the server's own 20 attempts of half a second (EvictionsRetry). A webhook's refusal begins with its name, whatever its
 * status, and stands.
 */
const OWN_CONFLICT = /^Operation cannot be fulfilled on /;
/** The API server passes on what its etcd says, in these words; a webhook's failure begins with other ones. */
const ETCD_FAILURE = /^etcdserver: /;
const BAD_GATEWAY = 502;
const BUDGET = /^The disruption budget (\S+) /;

/**
 * @param isEnding  whether the pod was in deletion when it was last seen
 * Source: k8s.io/kubectl/pkg/drain evictPods; k8s.io/kubernetes/pkg/registry/core/pod/storage/eviction.go;
 *         k8s.io/apimachinery/pkg/api/errors NewConflict; k8s.io/apiserver/pkg/admission/plugin/webhook/errors ToStatusErr
 */
export function judgeEviction(error: NodeApiError, isEnding: boolean): EvictionRefusal {
  const causes = error.status?.causes ?? [];
  if (error.code === "NODE_API_NOT_FOUND") return { kind: "gone" };
  if (error.code === "NODE_API_FORBIDDEN" && causes.some(({ reason }) => reason === "NamespaceTerminating")) {
    return isEnding ? { kind: "ending" } : { kind: "namespace-terminating", retryInMs: EVICTION_RETRY_MS };
  }
  const held = causes.find(({ reason }) => reason === "DisruptionBudget");
  // With any other status the budget is broken, and time does not mend it.
  if (held !== undefined && error.status?.httpStatus === 429) {
    const askedMs = typeof error.retry === "object" ? error.retry.afterMs : 0;
    const retryInMs = Math.max(EVICTION_RETRY_MS, askedMs);
    return { kind: "blocked", budget: budgetName(held.message), why: held.message, retryInMs };
  }
  if (error.code === "NODE_API_CONFLICT") return { kind: OWN_CONFLICT.test(error.message) ? "unsure" : "final" };
  return saysNothing(error) ? { kind: "unsure" } : { kind: "final" };
}

/** No word about the pod: nobody answered, or asks for patience, or etcd or a load balancer before the API server failed. */
export function saysNothing(error: NodeApiError): boolean {
  const { code, message, status } = error;
  if (code !== "NODE_API_FAILED" || status === undefined) return isPassing(error);
  const isStatusObject = status.message !== "" || status.reason !== "";
  return isStatusObject ? ETCD_FAILURE.test(message) : status.httpStatus === BAD_GATEWAY;
}

/** @returns the PodDisruptionBudget that a cause's sentence names */
export function budgetName(message: string): string | undefined {
  return BUDGET.exec(message)?.[1];
}
