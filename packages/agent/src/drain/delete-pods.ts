/** Deletes pods, one after the other as kubectl does, and waits until all are gone. */
import { NodeApiError } from "../kubernetes/index.ts";
import type { Bench, PodEnding } from "./bench.ts";
import { startCourse } from "./course.ts";
import { saysNothing } from "./judge-eviction.ts";
import { nameOf, type NodePod } from "./node-pod.ts";
import { createNodeView, lookAround, whereIs, type Look, type PodsOnNode, type Whereabouts } from "./node-view.ts";
import { askPatiently } from "./patience.ts";
import { isPastWaiting } from "./pod-filters.ts";
import { deletionRequest } from "./pod-requests.ts";

/** A pod that is another one by now is a conflict, but webhooks and policies answer so as well: a look tells. */
const DOUBTFUL: ReadonlySet<string> = new Set(["NODE_API_FORBIDDEN", "NODE_API_CONFLICT"]);
const LAST_LOOK_MS = 2_000;
/** kubectl's. */
const NO_TIME = "context deadline exceeded";

/** After the first pod that may not be deleted the next ones are not asked for. @throws DrainError DRAIN_INTERRUPTED */
export async function deletePods(bench: Bench, pods: readonly NodePod[]): Promise<readonly PodEnding[]> {
  const lookout = createLookout(bench);
  const ended = new Map<NodePod, PodEnding>();
  for (const pod of pods) {
    const ending = await deletePod(bench, pod, lookout);
    if (ending !== undefined) ended.set(pod, ending);
    if (ending?.kind === "failed") return afterRefusal(bench, pods, ended);
  }
  const asked = pods.filter((pod) => !ended.has(pod));
  if (bench.isDryRun) return [...ended.values(), ...asked.map((pod): PodEnding => ({ kind: "removed", pod }))];
  if (asked.length === 0) return [...ended.values()];
  for (const pod of asked) bench.onEvent({ kind: "waiting", pod: nameOf(pod) });
  // As with kubectl, the time begins once all are asked for.
  const course = startCourse(bench.outside, bench.options.timeoutMs, bench.course.signal);
  return [...ended.values(), ...(await waitUntilAllGone({ ...bench, course }, asked))];
}

/** kubectl lists the node again then, and names what is left. A dry run has left all of them. */
async function afterRefusal(
  bench: Bench,
  pods: readonly NodePod[],
  ended: ReadonlyMap<NodePod, PodEnding>,
): Promise<readonly PodEnding[]> {
  const { outside, client, nodeName, onEvent, isDryRun } = bench;
  // The refusal is what has to be told: nobody waits long for an API server that is away by now.
  const course = bench.course.isOver() ? bench.course : startCourse(outside, LAST_LOOK_MS, bench.course.signal);
  const seen: Look = isDryRun
    ? { kind: "no-time" }
    : await lookAround(createNodeView(outside, client, nodeName, course, onEvent), "exact");
  return pods.map((pod): PodEnding => {
    const ending = ended.get(pod);
    return ending ?? { kind: whereIs(pod, seen) === "absent" ? "removed" : "left-over", pod };
  });
}

/** @returns undefined where it will go */
async function deletePod(bench: Bench, pod: NodePod, lookout: Lookout): Promise<PodEnding | undefined> {
  const { outside, client, course, onEvent, options, isDryRun } = bench;
  const ask = async (): Promise<"asked" | NodeApiError> => {
    try {
      await client.send(deletionRequest(pod, { options, isDryRun, course }));
      return "asked";
    } catch (error) {
      if (!(error instanceof NodeApiError)) throw error;
      if (error.code === "NODE_API_NOT_FOUND") return "asked";
      if (DOUBTFUL.has(error.code)) return error;
      throw error;
    }
  };
  try {
    const answer = await askPatiently(outside, course, onEvent, ask, saysNothing);
    if (answer === undefined) return failure(bench, pod, NO_TIME, true);
    return answer === "asked" ? undefined : await judgeRefusal(bench, pod, answer, lookout);
  } catch (error) {
    if (!(error instanceof NodeApiError) || error.code === "NODE_API_INTERRUPTED") throw error;
    return failure(bench, pod, error.message, false);
  }
}

/** Of a pod that is not on the node any more a refusal says nothing, and what is ending needs no further request. */
async function judgeRefusal(
  bench: Bench,
  pod: NodePod,
  { message }: NodeApiError,
  lookout: Lookout,
): Promise<PodEnding | undefined> {
  const found = await lookout(pod);
  if (found === "absent") {
    bench.onEvent({ kind: "gone", pod: nameOf(pod), how: "absent" });
    return { kind: "absent", pod };
  }
  if (found !== "unknown" && found.deletionMs !== undefined) return undefined;
  return failure(bench, pod, message, false);
}

/** Where a pod is now. */
type Lookout = (pod: NodePod) => Promise<Whereabouts>;

function createLookout({ outside, client, nodeName, course, onEvent }: Bench): Lookout {
  const view = createNodeView(outside, client, nodeName, course, onEvent);
  let seen: Look = { kind: "no-time" };
  return async (pod) => {
    // A UID never comes back: many that are gone need one look.
    if (whereIs(pod, seen) !== "absent") seen = await lookAround(view, "exact");
    return whereIs(pod, seen);
  };
}

async function waitUntilAllGone(bench: Bench, pods: readonly NodePod[]): Promise<readonly PodEnding[]> {
  const { outside, client, nodeName, course, onEvent } = bench;
  const view = createNodeView(outside, client, nodeName, course, onEvent);
  const endings: PodEnding[] = [];
  let left = pods;
  for (;;) {
    let seen: PodsOnNode | undefined;
    try {
      seen = await view.look("late");
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
