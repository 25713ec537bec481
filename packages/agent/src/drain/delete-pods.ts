/** Deletes pods, one after the other as kubectl does, and waits until all are gone. */
import { NodeApiError } from "../kubernetes/index.ts";
import type { Bench, PodEnding } from "./bench.ts";
import { startCourse } from "./course.ts";
import { nameOf, type NodePod } from "./node-pod.ts";
import { createNodeView, type PodsOnNode } from "./node-view.ts";
import { askPatiently } from "./patience.ts";
import { isPastWaiting } from "./pod-filters.ts";
import { deletionRequest } from "./pod-requests.ts";

/** That there is none, or another one by now. */
const ABSENT: ReadonlySet<string> = new Set(["NODE_API_NOT_FOUND", "NODE_API_CONFLICT"]);
/** kubectl's. */
const NO_TIME = "context deadline exceeded";

/** After the first pod that may not be deleted the next ones are not asked for. @throws DrainError DRAIN_INTERRUPTED */
export async function deletePods(bench: Bench, pods: readonly NodePod[]): Promise<readonly PodEnding[]> {
  for (const pod of pods) {
    const failed = await deletePod(bench, pod);
    if (failed !== undefined) return pods.map((one) => (one === pod ? failed : { kind: "left-over", pod: one }));
  }
  if (bench.isDryRun) return pods.map((pod) => ({ kind: "removed", pod }));
  for (const pod of pods) bench.onEvent({ kind: "waiting", pod: nameOf(pod) });
  // As with kubectl, the time begins once all are asked for.
  const course = startCourse(bench.outside, bench.options.timeoutMs, bench.course.signal);
  return waitUntilAllGone({ ...bench, course }, pods);
}

/** @returns undefined where it will go */
async function deletePod(bench: Bench, pod: NodePod): Promise<PodEnding | undefined> {
  const { outside, client, course, onEvent, options, isDryRun } = bench;
  const ask = async (): Promise<"asked"> => {
    try {
      await client.send(deletionRequest(pod, { options, isDryRun, course }));
    } catch (error) {
      if (!(error instanceof NodeApiError) || !ABSENT.has(error.code)) throw error;
    }
    return "asked";
  };
  try {
    const asked = await askPatiently(outside, course, onEvent, ask);
    return asked === undefined ? failure(bench, pod, NO_TIME, true) : undefined;
  } catch (error) {
    if (!(error instanceof NodeApiError) || error.code === "NODE_API_INTERRUPTED") throw error;
    return failure(bench, pod, error.message, false);
  }
}

async function waitUntilAllGone(bench: Bench, pods: readonly NodePod[]): Promise<readonly PodEnding[]> {
  const { outside, client, nodeName, course, onEvent } = bench;
  const view = createNodeView(outside, client, nodeName, course, onEvent);
  const endings: PodEnding[] = [];
  let left = pods;
  for (;;) {
    let seen: PodsOnNode | undefined;
    try {
      seen = await view.look();
    } catch (error) {
      if (!(error instanceof NodeApiError) || error.code === "NODE_API_INTERRUPTED") throw error;
      const { message } = error;
      return [...endings, ...left.map((pod) => failure(bench, pod, message, false))];
    }
    const ended = seen === undefined ? [] : endingsSeen(bench, left, seen);
    endings.push(...ended);
    left = left.filter((pod) => !ended.some((ending) => ending.pod === pod));
    if (left.length === 0) return endings;
    if (course.isOver()) return [...endings, ...left.map((pod) => failure(bench, pod, NO_TIME, true))];
  }
}

function endingsSeen(
  { client, options, onEvent }: Bench,
  pods: readonly NodePod[],
  seen: PodsOnNode,
): readonly PodEnding[] {
  const world = { options, serverMs: client.serverMs() };
  return pods.flatMap((pod): readonly PodEnding[] => {
    const found = seen.get(pod.uid);
    if (found === undefined) {
      onEvent({ kind: "gone", pod: nameOf(pod), how: "deleted" });
      return [{ kind: "removed", pod }];
    }
    if (!isPastWaiting(found, world)) return [];
    onEvent({ kind: "not-awaited", pod: nameOf(pod), seconds: options.skipWaitForDeleteTimeoutSeconds });
    return [{ kind: "not-awaited", pod }];
  });
}

function failure({ onEvent }: Bench, pod: NodePod, message: string, timedOut: boolean): PodEnding {
  onEvent({ kind: "failed", pod: nameOf(pod), how: "deletion", message });
  return { kind: "failed", pod, failure: { pod: nameOf(pod), message, budget: undefined, timedOut } };
}
