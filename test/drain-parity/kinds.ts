/** What kinds of endings, refusals and answers dry runs have met. */
import type { DryPair } from "./compare-dry.ts";

const LOOKS = {
  drained: ({ kubectls }) => kubectls.ending === "drained" && kubectls.requests.length > 0,
  endless: ({ kubectls }) => kubectls.ending === "endless",
  retried: ({ kubectls }) => kubectls.ending === "failed" && kubectls.retried.length > 0,
  refused: ({ kubectls }) => kubectls.errors.some((text) => text.startsWith("cannot delete")),
  warned: ({ kubectls }) => kubectls.warnings.length > 0,
  deleted: ({ kubectls }) => kubectls.requests.some((text) => text.startsWith("delete")),
  twoBudgets: ({ kubectls }) => kubectls.errors.some((text) => text.includes("more than one PodDisruptionBudget")),
  goneDaemonSet: ({ kubectls }) => kubectls.errors.some((text) => text.includes("not found")),
  alreadyCordoned: ({ kubectls }) => kubectls.cordon === "already cordoned",
} satisfies Readonly<Record<string, (pair: DryPair) => boolean>>;

export type Kind = keyof typeof LOOKS;
export const KINDS = Object.keys(LOOKS) as readonly Kind[];
export type KindCounts = Readonly<Record<Kind, number>>;

export function kindsOf(pair: DryPair): readonly Kind[] {
  return KINDS.filter((kind) => LOOKS[kind](pair));
}

export function countKinds(pairs: readonly DryPair[]): KindCounts {
  const counts = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>;
  for (const kind of pairs.flatMap(kindsOf)) counts[kind] += 1;
  return counts;
}
