/** What of a drain a person wants to read: how many pods are left, what holds them up, and each sentence of a pod once. */
import type { DrainEvent } from "../drain/index.ts";
import type { DrainProgress } from "./ports.ts";

interface Held {
  /** Undefined as long as nothing is known but that it is to go. */
  readonly sentence: string | undefined;
  /** What holds a drain up is told before what is under way by itself. */
  readonly rank: 0 | 1 | 2;
  /** Of an API server that could not be asked about it. */
  readonly trouble: string | undefined;
}

type PodEvent = Extract<DrainEvent, { readonly pod: object }>;

const UNTOLD: Held = { sentence: undefined, rank: 2, trouble: undefined };

export class DrainSummary {
  /** By namespace and name, in the order in which they were first heard of. */
  readonly #left = new Map<string, Held>();
  #hadPods = false;
  #warning: string | undefined;
  /** Why nobody can look at the node in this moment. */
  #away: string | undefined;
  #told = "";

  /** @returns undefined where there is nothing new to say */
  note(event: DrainEvent): DrainProgress | undefined {
    const line = this.#take(event);
    const summary = this.#summary();
    if (line === undefined && summary === this.#told) return undefined;
    this.#told = summary;
    return { line: line === undefined ? undefined : draining(line), summary: draining(summary) };
  }

  /** @returns what is news for the log */
  #take(event: DrainEvent): string | undefined {
    if (event.kind === "cordon" || event.kind === "drained") return undefined;
    if (event.kind === "answered") return this.#answered();
    if (event.kind === "retry") {
      return event.pod === undefined ? this.#notAsked(event.message) : this.#unsure(event.pod, event.message);
    }
    if (event.kind !== "warning") return this.#takePod(event);
    this.#warning = event.message;
    return event.message;
  }

  #takePod(event: Exclude<PodEvent, { readonly kind: "retry" }>): string | undefined {
    const pod = `${event.pod.namespace}/${event.pod.name}`;
    if (event.kind === "evicting") {
      this.#hadPods = true;
      this.#left.set(pod, this.#left.get(pod) ?? UNTOLD);
      return undefined;
    }
    // Whatever else is told of a pod was answered by the API server, but for the end of the time.
    if (event.kind !== "failed") this.#away = undefined;
    if (event.kind === "gone" || event.kind === "not-awaited") {
      this.#left.delete(pod);
      const isAwaited = event.kind === "gone";
      return isAwaited ? undefined : `nobody waits for ${pod}, which has been ending for ${event.seconds} s`;
    }
    return this.#hold(pod, {
      sentence: sentenceOf(event, pod),
      rank: event.kind === "waiting" ? 1 : 0,
      trouble: undefined,
    });
  }

  #hold(pod: string, held: Held): string | undefined {
    this.#hadPods = true;
    const before = this.#left.get(pod)?.sentence;
    this.#left.set(pod, held);
    return held.sentence === before ? undefined : held.sentence;
  }

  #notAsked(message: string): string | undefined {
    const isKnown = this.#away === message || this.#isTroubleOfOthers(message);
    this.#away = message;
    return isKnown ? undefined : message;
  }

  /** An API server that is away is told once, not for each pod. */
  #unsure({ namespace, name }: PodEvent["pod"], message: string): string | undefined {
    const isKnown = this.#away === message || this.#isTroubleOfOthers(message);
    const pod = `${namespace}/${name}`;
    const line = this.#hold(pod, { sentence: `${pod} cannot be evicted: ${message}`, rank: 0, trouble: message });
    return isKnown ? undefined : line;
  }

  #isTroubleOfOthers(message: string): boolean {
    return [...this.#left.values()].some(({ trouble }) => trouble === message);
  }

  #answered(): undefined {
    this.#away = undefined;
    for (const [pod, { trouble }] of this.#left) if (trouble !== undefined) this.#left.set(pod, UNTOLD);
  }

  #summary(): string {
    const count = this.#left.size;
    const pods = `${count === 0 ? "no" : count} ${count === 1 ? "pod" : "pods"} left`;
    if (this.#away !== undefined) return this.#hadPods ? `${pods}: ${this.#away}` : this.#away;
    if (!this.#hadPods) return this.#warning ?? "the pods are looked at";
    let first = UNTOLD;
    for (const held of this.#left.values()) if (held.rank < first.rank) first = held;
    return first.sentence === undefined ? pods : `${pods}: ${first.sentence}`;
  }
}

function draining(words: string): string {
  return `draining: ${words}`;
}

function sentenceOf(
  event: Extract<PodEvent, { readonly kind: "blocked" | "namespace-terminating" | "waiting" | "failed" }>,
  pod: string,
): string {
  if (event.kind === "blocked") {
    const budget = event.budget === undefined ? "a PodDisruptionBudget" : `the PodDisruptionBudget ${event.budget}`;
    return `${budget} does not let ${pod} go: ${event.why || event.message}`;
  }
  if (event.kind === "namespace-terminating") return `${pod} is not evicted while its namespace goes: ${event.message}`;
  return event.kind === "waiting" ? `${pod} is ending` : `${pod}: ${event.message}`;
}
