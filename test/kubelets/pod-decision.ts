/** What a kubelet has to do about one of its pods now. */
import { isFinished, isReady, type Pod } from "./kubernetes-objects.ts";

/** Annotations by which a test, or the template of a ReplicaSet, tells how a pod behaves. */
export const BEHAVIOUR = {
  /** "true": ends never, whatever its grace period; take the annotation away and it ends. */
  stuck: "kubelets.example.com/stuck",
  /** "true": runs and is never Ready. */
  unready: "kubelets.example.com/unready",
  /** "Succeeded" or "Failed": how it has ended. */
  phase: "kubelets.example.com/phase",
} as const;

/** Of static pods: the kubelet made the object, and deleting the object does not end the pod. */
export const MIRROR_ANNOTATION = "kubernetes.io/config.mirror";

export type PodDecision =
  | { readonly kind: "nothing" }
  | { readonly kind: "report"; readonly phase: "Running" | "Succeeded" | "Failed"; readonly ready: boolean }
  | { readonly kind: "end"; readonly afterMs: number };

const NOTHING: PodDecision = { kind: "nothing" };

/**
 * @param nodeIsUp    a kubelet that is down does nothing, and its pods are not Ready
 * @param graceScale  how long a second of grace lasts, in seconds
 */
export function decidePod(pod: Pod, nodeIsUp: boolean, graceScale: number): PodDecision {
  const annotations = pod.metadata.annotations ?? {};
  if (pod.metadata.deletionTimestamp !== undefined) {
    if (!nodeIsUp || annotations[BEHAVIOUR.stuck] === "true") return NOTHING;
    return { kind: "end", afterMs: (pod.metadata.deletionGracePeriodSeconds ?? 0) * 1_000 * graceScale };
  }
  if (isFinished(pod)) return NOTHING;
  if (!nodeIsUp) return isReady(pod) ? { kind: "report", phase: "Running", ready: false } : NOTHING;
  const phase = annotations[BEHAVIOUR.phase];
  if (phase === "Succeeded" || phase === "Failed") return { kind: "report", phase, ready: false };
  const ready = annotations[BEHAVIOUR.unready] !== "true";
  if (pod.status.phase === "Running" && isReady(pod) === ready) return NOTHING;
  return { kind: "report", phase: "Running", ready };
}

/** The status that a kubelet reports, for a merge patch. */
export function podStatus(pod: Pod, phase: "Running" | "Succeeded" | "Failed", ready: boolean, now: string): object {
  const condition = (type: string, yes: boolean): object => ({
    type,
    status: yes ? "True" : "False",
    lastTransitionTime: now,
  });
  const state =
    phase === "Running"
      ? { running: { startedAt: now } }
      : { terminated: { exitCode: phase === "Failed" ? 1 : 0, startedAt: now, finishedAt: now } };
  return {
    phase,
    startTime: now,
    hostIP: "127.0.0.1",
    podIP: "127.0.0.1",
    podIPs: [{ ip: "127.0.0.1" }],
    conditions: [
      condition("PodScheduled", true),
      condition("Initialized", true),
      condition("ContainersReady", ready),
      condition("Ready", ready),
    ],
    containerStatuses: pod.spec.containers.map(({ name, image }) => ({
      name,
      image,
      imageID: image,
      ready,
      started: phase === "Running",
      restartCount: 0,
      state,
    })),
  };
}
