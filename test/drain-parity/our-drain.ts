/** Runs our drain in this process, and writes its outcome as kubectl's is read. */
import { DrainError, drainNode, drainOptions, type DrainEvent } from "@rancheros/agent/drain";
import { NodeApiError, type ApiRequest, type KubernetesClient } from "@rancheros/agent/kubernetes";
import { drainSpec, type Combination } from "./combinations.ts";
import { asSet, requestText, splitErrors, splitWarnings, type Outcome, type RemovalRequest } from "./outcome.ts";
import type { Place } from "./population-objects.ts";

const POD_PATH = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)(\/eviction)?$/;

export interface OurDrain {
  readonly place: Place;
  readonly combination: Combination;
  readonly dryRun: boolean;
  /** Breaks off a drain without timeout so long after it began; in a dry run it is broken off when it begins to retry. */
  readonly endlessAfterMs?: number;
  /** Called when it sleeps from here on, most of the time. */
  readonly onRetrying?: () => void;
}

export async function runOurDrain(client: KubernetesClient, drain: OurDrain): Promise<Outcome> {
  const { place, combination, dryRun } = drain;
  const recorder = recording(client);
  const events: DrainEvent[] = [];
  const stop = new AbortController();
  const options = drainOptions(drainSpec(combination));
  const breakOff = (): void => stop.abort();
  const onEvent = (event: DrainEvent): void => {
    events.push(event);
    if (event.kind === "blocked") drain.onRetrying?.();
    if (!dryRun || options.timeoutMs !== 0 || event.kind !== "evicting" || event.attempt === 1) return;
    // Once all pods had an answer to the first attempt, more attempts tell nothing new.
    const begun = new Set(events.flatMap((one) => (one.kind === "evicting" ? [one.pod.name] : [])));
    const answered = new Set(recorder.requests.map(({ pod }) => pod));
    if (answered.size === begun.size) breakOff();
  };
  const late = drain.endlessAfterMs === undefined ? undefined : setTimeout(breakOff, drain.endlessAfterMs);
  let failure: unknown;
  try {
    await drainNode(recorder.client, {
      nodeName: place.node,
      options,
      dryRun: dryRun ? "server" : "none",
      signal: stop.signal,
      onEvent,
    });
  } catch (error) {
    failure = error;
  } finally {
    clearTimeout(late);
  }
  return outcomeOf({ place, events, failure, requests: recorder.requests });
}

interface Course {
  readonly place: Place;
  readonly events: readonly DrainEvent[];
  readonly failure: unknown;
  readonly requests: readonly RemovalRequest[];
}

function outcomeOf({ place, events, failure, requests }: Course): Outcome {
  const changed = events.some((event) => event.kind === "cordon" && event.changed);
  const drainError = failure instanceof DrainError ? failure : undefined;
  if (failure !== undefined && drainError === undefined) {
    throw new Error(`our drain of ${place.node} broke`, { cause: failure });
  }
  const isEndless = drainError?.code === "DRAIN_INTERRUPTED";
  const unable = `unable to drain node "${place.node}" due to error: `;
  const text = drainError === undefined || isEndless ? "" : drainError.message.replace(unable, "");
  return {
    ending: drainError === undefined ? "drained" : isEndless ? "endless" : "failed",
    cordon: changed ? "cordoned" : "already cordoned",
    requests: asSet(requests.map(requestText)),
    retried: asSet(events.flatMap((event) => (event.kind === "blocked" ? [`pods/"${event.pod.name}"`] : []))),
    warnings: asSet(events.flatMap((event) => (event.kind === "warning" ? splitWarnings(event.message) : []))),
    errors: errorsIn(text),
    pending: asSet((drainError?.pending ?? []).map(({ name }) => name)),
    endings: asSet(events.flatMap(endingText)),
  };
}

/** Behind kubectl's errors stands a remark of our own: an error by itself here. */
function errorsIn(text: string): readonly string[] {
  if (text === "") return [];
  const [, errors = text, remark] = /^(.*?)(; held by the PodDisruptionBudget .*)$/s.exec(text) ?? [];
  return asSet([...splitErrors(errors), ...(remark === undefined ? [] : [remark])]);
}

/** As kubectl prints them. A pod that went by itself is none of its endings. */
function endingText(event: DrainEvent): readonly string[] {
  if (event.kind === "gone") return event.how === "absent" ? [] : [`pod/${event.pod.name} ${event.how}`];
  if (event.kind === "not-awaited") {
    return [`pod "${event.pod.name}" has DeletionTimestamp older than ${event.seconds} seconds, skipping`];
  }
  return [];
}

/** The same client, with a note of each removal that it asks the API server for. */
function recording(client: KubernetesClient): {
  readonly client: KubernetesClient;
  readonly requests: readonly RemovalRequest[];
} {
  const requests: RemovalRequest[] = [];
  async function send(request: ApiRequest): Promise<unknown> {
    const note = (status: number): void => {
      const removal = removalOf(request, status);
      if (removal !== undefined) requests.push(removal);
    };
    try {
      const answer = await client.send(request);
      note(request.method === "POST" ? 201 : 200);
      return answer;
    } catch (error) {
      if (error instanceof NodeApiError && error.status !== undefined) note(error.status.httpStatus);
      throw error;
    }
  }
  return { client: { ...client, send }, requests };
}

function removalOf({ method, path, body }: ApiRequest, status: number): RemovalRequest | undefined {
  const [, namespace, pod, eviction] = POD_PATH.exec(path) ?? [];
  if (namespace === undefined || pod === undefined) return undefined;
  if (!(method === "POST" && eviction !== undefined) && method !== "DELETE") return undefined;
  const asked = body as { deleteOptions?: DeleteOptions } & DeleteOptions;
  const { gracePeriodSeconds, dryRun, preconditions } = asked.deleteOptions ?? asked;
  const verb = eviction === undefined ? "delete" : "evict";
  const uid = preconditions?.uid;
  return { verb, namespace, pod, gracePeriodSeconds, dryRun: dryRun?.includes("All") === true, uid, status };
}

interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly dryRun?: readonly string[];
  readonly preconditions?: { readonly uid?: string };
}
