/** Dry runs of both drains over the same nodes: many nodes a kubectl process, but one for each that only retries. */
import type { Combination } from "./combinations.ts";
import { readRemovals } from "./audit-log.ts";
import { kubectlOutcome, runKubectlDrain, type KubectlRun } from "./kubectl-drain.ts";
import { runOurDrain } from "./our-drain.ts";
import type { Outcome } from "./outcome.ts";
import { inTurns, type ParityGround } from "./parity-ground.ts";
import type { PlacedPopulation } from "./place-population.ts";

/** Processes that compute. */
const BATCHES_AT_ONCE = 3;
/** Processes that sleep most of the time. */
const RETRYING_AT_ONCE = 16;
const OURS_AT_ONCE = 8;

export interface DryPair {
  readonly combination: Combination;
  readonly place: PlacedPopulation;
  readonly ours: Outcome;
  readonly kubectls: Outcome;
}

export interface Assignment {
  readonly combination: Combination;
  readonly places: readonly PlacedPopulation[];
}

interface OurPart {
  readonly combination: Combination;
  readonly place: PlacedPopulation;
  readonly ours: Outcome;
}

/** @throws where the exit code of a kubectl process is not what its nodes' outcomes make it */
export async function compareDry(
  ground: ParityGround,
  assignments: readonly Assignment[],
): Promise<readonly DryPair[]> {
  const { controlPlane, agent, auditLog } = ground;
  const alone: Promise<void>[] = [];
  const aTurn = turnsOf(RETRYING_AT_ONCE);
  const runs: { readonly run: KubectlRun; readonly parts: readonly OurPart[] }[] = [];
  const runAlone = async (part: OurPart, index: number): Promise<void> => {
    const { combination, place } = part;
    const isEndless = combination.timeoutSeconds === 0 ? hasSaidAll(part.ours) : () => false;
    const drain = { nodes: [place.node], combination, dryRun: true, user: `alone-${index}`, isEndless };
    runs.push({ run: await runKubectlDrain(controlPlane, drain), parts: [part] });
  };
  await inTurns(assignments, BATCHES_AT_ONCE, async ({ combination, places }, index) => {
    const parts = await inTurns(places, OURS_AT_ONCE, async (place) => {
      return { combination, place, ours: await runOurDrain(agent, { place, combination, dryRun: true }) };
    });
    // Beside the batches: they wait, and those compute.
    const retrying = parts.filter(({ ours }) => ours.retried.length > 0);
    for (const part of retrying) {
      const number = alone.length;
      alone.push(aTurn(async () => runAlone(part, number)));
    }
    const batch = parts.filter(({ ours }) => ours.retried.length === 0);
    if (batch.length === 0) return;
    const nodes = batch.map(({ place }) => place.node);
    const drain = { nodes, combination, dryRun: true, user: `batch-${index}` };
    runs.push({ run: await runKubectlDrain(controlPlane, drain), parts: batch });
  });
  await Promise.all(alone);

  const removals = await readRemovals(auditLog);
  return runs.flatMap(({ run, parts }) => {
    const pairs = parts.map((part) => ({
      ...part,
      kubectls: kubectlOutcome(run, part.place, removals.get(run.user) ?? []),
    }));
    const expected = pairs.some(({ kubectls }) => kubectls.ending === "endless")
      ? undefined
      : pairs.some(({ kubectls }) => kubectls.ending === "failed")
        ? 1
        : 0;
    if (run.exitCode !== expected)
      throw new Error(`kubectl ended with ${run.exitCode}, not ${expected}:\n${run.stderr}`);
    return pairs;
  });
}

/** @returns what lets only so many at one time do their work; the others wait for their turn */
function turnsOf(atOnce: number): (work: () => Promise<void>) => Promise<void> {
  let free = atOnce;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}

/** kubectl without a timeout is stopped when it has asked for as many pods as ours, and was refused as often. */
function hasSaidAll(ours: Outcome): (stdout: string, stderr: string) => boolean {
  const asked = ours.requests.length;
  const refused = ours.retried.length;
  return (stdout, stderr) =>
    count(stdout, /^evicting pod /gm) >= asked && count(stderr, /will retry after/g) >= refused;
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
