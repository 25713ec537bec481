/** Evicts pods, all at one time, each until it is gone, refused for good, or the time is over. */
import { NodeApiError } from "../kubernetes/index.ts";
import type { Bench, PodEnding } from "./bench.ts";
import { goDuration } from "./go-duration.ts";
import { judgeEviction, type EvictionRefusal } from "./judge-eviction.ts";
import { nameOf, type NodePod } from "./node-pod.ts";
import { createNodeView, lookAround, whereIs, type NodeView } from "./node-view.ts";
import { patienceMs } from "./patience.ts";
import { isPastWaiting } from "./pod-filters.ts";
import { evictionRequest, type EvictionVersion } from "./pod-requests.ts";
import { createSlots } from "./slots.ts";

/** Requests at one time: more of them only wait for each other at the PodDisruptionBudgets. */
const EVICTIONS_AT_ONE_TIME = 16;

/** @throws DrainError DRAIN_INTERRUPTED */
export async function evictPods(
  bench: Bench,
  pods: readonly NodePod[],
  version: EvictionVersion,
): Promise<readonly PodEnding[]> {
  const view = createNodeView(bench.outside, bench.client, bench.nodeName, bench.course, bench.onEvent);
  const inTurn = createSlots(EVICTIONS_AT_ONE_TIME);
  const endings = await Promise.allSettled(
    pods.map((pod) => evictPod(bench, pod, { attempt: (work) => inTurn(work), view, version })),
  );
  const broken = endings.find((ending) => ending.status === "rejected");
  if (broken !== undefined) throw broken.reason;
  return endings.flatMap((ending) => (ending.status === "fulfilled" ? [ending.value] : []));
}

interface Attempts {
  readonly attempt: (work: () => Promise<Attempt>) => Promise<Attempt>;
  readonly view: NodeView;
  readonly version: EvictionVersion;
}

type Attempt =
  | { readonly kind: "accepted" }
  | { readonly kind: "no-time" }
  | { readonly kind: "refused"; readonly error: NodeApiError };

async function evictPod(bench: Bench, pod: NodePod, attempts: Attempts): Promise<PodEnding> {
  const ended = await askForEviction(bench, pod, attempts);
  if (ended !== undefined) return ended;
  if (bench.isDryRun) return { kind: "removed", pod };
  bench.onEvent({ kind: "waiting", pod: nameOf(pod) });
  return waitUntilGone(bench, pod, attempts.view);
}

/** @returns undefined where the pod is on its way */
async function askForEviction(bench: Bench, pod: NodePod, attempts: Attempts): Promise<PodEnding | undefined> {
  const words = `error when evicting pods/${JSON.stringify(pod.name)} -n ${JSON.stringify(pod.namespace)}`;
  let isEnding = pod.deletionMs !== undefined;
  let budget: string | undefined;
  let unsure = 0;
  for (let count = 1; ; count++) {
    const result = await attempts.attempt(() => tryEviction(bench, pod, attempts.version, count));
    if (result.kind === "accepted") return undefined;
    if (result.kind === "no-time") {
      const message = `${words}: global timeout reached: ${goDuration(bench.options.timeoutMs)}`;
      return failed(bench, pod, { message, budget, timedOut: true });
    }
    const refusal = judgeEviction(result.error, isEnding);
    if (refusal.kind === "gone") return absent(bench, pod);
    if (refusal.kind === "ending") return undefined;
    if (refusal.kind === "blocked") ({ budget } = refusal);
    unsure = refusal.kind === "unsure" ? unsure + 1 : 0;
    await pauseAfter(bench, pod, refusal, { error: result.error, unsure });
    // A budget has let nothing go: of all else it is not known what was done.
    const how = refusal.kind === "blocked" ? "late" : "exact";
    const found = whereIs(pod, await lookAround(attempts.view, how));
    // Of a pod that is not on the node any more the refusal says nothing.
    if (found === "absent") return absent(bench, pod);
    if (refusal.kind === "final") {
      return failed(bench, pod, { message: `${words}: ${result.error.message}`, budget, timedOut: false });
    }
    if (found !== "unknown") isEnding = found.deletionMs !== undefined;
    // What was asked for before the connection broke may have been done.
    if (refusal.kind === "unsure" && isEnding && !bench.isDryRun) return undefined;
  }
}

async function tryEviction(
  { client, course, onEvent, options, isDryRun }: Bench,
  pod: NodePod,
  version: EvictionVersion,
  attempt: number,
): Promise<Attempt> {
  if (course.isOver()) return { kind: "no-time" };
  onEvent({ kind: "evicting", pod: nameOf(pod), attempt });
  try {
    await client.send(evictionRequest(pod, version, { options, isDryRun, course }));
    return { kind: "accepted" };
  } catch (error) {
    if (!(error instanceof NodeApiError) || error.code === "NODE_API_INTERRUPTED") throw error;
    return { kind: "refused", error };
  }
}

/** Says what is the matter, and waits before the next attempt where there will be one. */
async function pauseAfter(
  { outside, course, onEvent }: Bench,
  pod: NodePod,
  refusal: Exclude<EvictionRefusal, { kind: "gone" | "ending" }>,
  { error, unsure }: { readonly error: NodeApiError; readonly unsure: number },
): Promise<void> {
  const { message } = error;
  switch (refusal.kind) {
    case "blocked": {
      const { budget, why, retryInMs } = refusal;
      onEvent({ kind: "blocked", pod: nameOf(pod), budget, message, why, retryInMs });
      await course.pause(retryInMs);
      return;
    }
    case "namespace-terminating":
      onEvent({ kind: "namespace-terminating", pod: nameOf(pod), message, retryInMs: refusal.retryInMs });
      await course.pause(refusal.retryInMs);
      return;
    case "unsure": {
      const retryInMs = patienceMs(error, unsure, outside.random());
      onEvent({ kind: "retry", pod: nameOf(pod), message, retryInMs });
      await course.pause(retryInMs);
      return;
    }
    case "final":
  }
}

async function waitUntilGone(bench: Bench, pod: NodePod, view: NodeView): Promise<PodEnding> {
  const { client, course, onEvent, options } = bench;
  const words = `error when waiting for pod ${JSON.stringify(pod.name)} in namespace ${JSON.stringify(pod.namespace)} to terminate`;
  for (;;) {
    const seen = await lookAround(view, "late");
    if (seen.kind === "refused") {
      return failed(bench, pod, { message: `${words}: ${seen.error.message}`, budget: undefined, timedOut: false });
    }
    const found = whereIs(pod, seen);
    if (found === "absent") {
      onEvent({ kind: "gone", pod: nameOf(pod), how: "evicted" });
      return { kind: "removed", pod };
    }
    if (found !== "unknown" && isPastWaiting(found, { options, serverMs: client.serverMs() })) {
      onEvent({ kind: "not-awaited", pod: nameOf(pod), seconds: options.skipWaitForDeleteTimeoutSeconds });
      return { kind: "not-awaited", pod };
    }
    if (course.isOver()) {
      return failed(bench, pod, { message: `${words}: context deadline exceeded`, budget: undefined, timedOut: true });
    }
  }
}

function absent({ onEvent }: Bench, pod: NodePod): PodEnding {
  onEvent({ kind: "gone", pod: nameOf(pod), how: "absent" });
  return { kind: "absent", pod };
}

function failed(
  { onEvent }: Bench,
  pod: NodePod,
  failure: { readonly message: string; readonly budget: string | undefined; readonly timedOut: boolean },
): PodEnding {
  onEvent({ kind: "failed", pod: nameOf(pod), how: "eviction", message: failure.message });
  return { kind: "failed", pod, failure: { pod: nameOf(pod), ...failure } };
}
