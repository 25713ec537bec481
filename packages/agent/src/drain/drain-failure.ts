/** From what became of the pods to the error that kubectl would print. */
import type { PodEnding } from "./bench.ts";
import { nameOf } from "./node-pod.ts";
import { DrainError, type PodFailure } from "./errors.ts";

/** In one detail; the others are counted. All are in the error's `failures`. */
const MAX_DETAILS = 30;
/** In the message, in which kubectl has one for each pod: more than a node runs. */
const MAX_TEXTS = 2_000;

/** @param refusals  not none */
export function refusalError(nodeName: string, refusals: readonly string[]): DrainError {
  return new DrainError("DRAIN_REFUSED", unable(nodeName, aggregate(refusals)), { details: { node: nodeName } });
}

/** @returns undefined where no pod failed */
export function drainFailure(nodeName: string, endings: readonly PodEnding[]): DrainError | undefined {
  const failures = endings.flatMap((ending) => (ending.kind === "failed" ? [ending.failure] : []));
  if (failures.length === 0) return undefined;
  const budgets = budgetsOf(failures);
  const code = failures.every(({ timedOut }) => timedOut) ? "DRAIN_TIMED_OUT" : "DRAIN_FAILED";
  const pending = endings.filter(({ kind }) => kind === "failed" || kind === "left-over").map(({ pod }) => nameOf(pod));
  const held = budgets.length === 0 ? "" : `; held by the PodDisruptionBudget ${budgets.join(", ")}`;
  return new DrainError(code, `${unable(nodeName, aggregate(failures.map(({ message }) => message)))}${held}`, {
    failures,
    pending,
    details: {
      node: nodeName,
      removed: endings.length - pending.length,
      pending: limited(
        pending.map((pod) => `${pod.namespace}/${pod.name}`),
        MAX_DETAILS,
      ).join(" "),
      ...(budgets.length === 0 ? {} : { budgets: budgets.join(" ") }),
    },
  });
}

/** In kubectl's words: of one the text, of several a list, of the same ones one. */
export function aggregate(texts: readonly string[]): string {
  const different = limited([...new Set(texts)], MAX_TEXTS);
  return different.length === 1 ? (different[0] ?? "") : `[${different.join(", ")}]`;
}

function budgetsOf(failures: readonly PodFailure[]): readonly string[] {
  const names = failures.flatMap(({ pod, budget }) => (budget === undefined ? [] : [`${pod.namespace}/${budget}`]));
  return limited([...new Set(names)], MAX_DETAILS);
}

function limited(texts: readonly string[], max: number): readonly string[] {
  return texts.length <= max ? texts : [...texts.slice(0, max), `and ${texts.length - max} more`];
}

function unable(nodeName: string, text: string): string {
  return `unable to drain node ${JSON.stringify(nodeName)} due to error: ${text}`;
}
