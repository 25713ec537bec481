/** Whether two runs of kubectl say the same. The order of concurrent answers, and of a Go map, is chance. */
import { asSet } from "./outcome.ts";
import type { KubectlRun } from "./kubectl-drain.ts";

/** Between warnings, and between the errors of an aggregate. */
const BETWEEN = /; |, (?=cannot delete |error when )|[[\]]/;
const PARTS = new RegExp(`(?<=^Warning: )|${BETWEEN.source}`);

/** @returns the lines, each with its parts sorted, sorted: all that is said, and how often */
export function saidLines({ stdout, stderr }: Pick<KubectlRun, "stdout" | "stderr">): readonly string[] {
  return [...sortedLines(stdout, "out"), ...sortedLines(stderr, "err")];
}

function sortedLines(text: string, stream: string): readonly string[] {
  const lines = text.split("\n").map((line) => `${stream} ${line.split(PARTS).sort(compare).join(" | ")}`);
  return lines.sort(compare);
}

/** Of what goes on for ever: how often it is said is a matter of when one stops to listen. */
export function saidOnce(run: Pick<KubectlRun, "stdout" | "stderr">): readonly string[] {
  return asSet(saidLines(run));
}

/** Nothing is left to chance: at most one pod is asked for, and no list of several has an order. */
export function isOrdered({ stdout, stderr }: Pick<KubectlRun, "stdout" | "stderr">): boolean {
  const pods = new Set(stdout.match(/^evicting pod \S+/gm));
  return pods.size <= 1 && !stderr.split("\n").some((line) => line.split(BETWEEN).length > 1);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
