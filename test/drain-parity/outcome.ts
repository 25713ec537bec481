/** What a drain did and said about one node, in a form in which kubectl's and ours can be compared. */

export interface Outcome {
  /** endless: it was still trying when it was stopped, as a drain without a timeout does. */
  readonly ending: "drained" | "failed" | "endless";
  readonly cordon: "cordoned" | "already cordoned";
  /** Each once, sorted: "evict app0-1 grace=7 dry 201". What the API server was asked for, and its answer. */
  readonly requests: readonly string[];
  /** Pods whose eviction was refused for now, with the API server's words. */
  readonly retried: readonly string[];
  /** "MESSAGE: NAMESPACE/POD, ..." */
  readonly warnings: readonly string[];
  readonly errors: readonly string[];
  /** Pods that were to go and did not, where that was said. */
  readonly pending: readonly string[];
  /** Pods that nobody waited for any longer, and ones that were said to be gone or not to go. */
  readonly endings: readonly string[];
}

export interface RemovalRequest {
  readonly verb: "evict" | "delete";
  readonly namespace: string;
  readonly pod: string;
  readonly gracePeriodSeconds: number | undefined;
  readonly dryRun: boolean;
  /** Of the pod that is meant, so that no other one of its name goes. */
  readonly uid: string | undefined;
  readonly status: number;
}

export function requestText({ verb, pod, gracePeriodSeconds, dryRun, status }: RemovalRequest): string {
  return `${verb} ${pod} grace=${gracePeriodSeconds ?? "its own"}${dryRun ? " dry" : ""}: ${status}`;
}

/** Sorted, each once. */
export function asSet(texts: Iterable<string>): readonly string[] {
  return [...new Set(texts)].sort((one, other) => (one < other ? -1 : 1));
}

/** kubectl joins warnings in the order of a Go map, which is none. */
export function splitWarnings(text: string): readonly string[] {
  return text === "" ? [] : asSet(text.split("; "));
}

/** The errors of an aggregate: "[one, two]", or one alone. In the order of a Go map as well. */
export function splitErrors(text: string): readonly string[] {
  const inside = /^\[(.*)\]$/s.exec(text)?.[1] ?? text;
  return asSet(inside.split(/, (?=cannot delete |error when )/));
}
