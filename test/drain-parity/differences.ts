/** What differs between two drains and is not listed as a deviation. */
import { kubectlFlags, type Combination } from "./combinations.ts";
import { withoutDeviations } from "./deviations.ts";
import type { Outcome } from "./outcome.ts";
import type { Population } from "./population.ts";

export interface Pair {
  readonly combination: Combination;
  readonly population: Population;
  readonly dryRun: boolean;
  readonly ours: Outcome;
  readonly kubectls: Outcome;
}

/** @returns a text with all that is needed to look into it; undefined where both are alike */
export function difference({ combination, population, dryRun, ours, kubectls }: Pair): string | undefined {
  const mine = withoutDeviations(ours, dryRun);
  const theirs = withoutDeviations(kubectls, dryRun);
  const fields = (Object.keys(mine) as (keyof Outcome)[]).filter(
    (field) => JSON.stringify(mine[field]) !== JSON.stringify(theirs[field]),
  );
  if (fields.length === 0) return undefined;
  const lines = fields.map(
    (field) => `  ${field}\n    ours    ${JSON.stringify(mine[field])}\n    kubectl ${JSON.stringify(theirs[field])}`,
  );
  return [`drain ${kubectlFlags(combination).join(" ")} of ${JSON.stringify(population)}`, ...lines].join("\n");
}
