/** Dry runs of both drains over the same nodes: each pair by itself, many at one time. */
import { AuditTail } from "./audit-tail.ts";
import type { Combination } from "./combinations.ts";
import { difference } from "./differences.ts";
import { buildDrainBatch, startKubectlBatch, type KubectlBatch } from "./kubectl-batch.ts";
import { kubectlOutcome, type KubectlRun } from "./kubectl-drain.ts";
import { runOurDrain } from "./our-drain.ts";
import type { Outcome } from "./outcome.ts";
import { inTurns, type ParityGround } from "./parity-ground.ts";
import type { PlacedPopulation } from "./place-population.ts";
import { createTurns, type Turns } from "./turns.ts";

/** Drains that compute or wait for the API server. */
const COMPUTING = 12;
/** Pairs: most of them sleep until it is time for a second attempt. */
const IN_FLIGHT = 400;

export interface PlannedPair {
  readonly combination: Combination;
  readonly place: PlacedPopulation;
}

export interface DryPair extends PlannedPair {
  readonly ours: Outcome;
  readonly kubectls: Outcome;
  readonly run: KubectlRun;
}

/** What dry runs stand on: made once, for as many as there are. */
export interface DryRuns {
  readonly ground: ParityGround;
  readonly batch: KubectlBatch;
  readonly audit: AuditTail;
  readonly computing: Turns;
  readonly close: () => Promise<void>;
}

export async function prepareDryRuns(ground: ParityGround): Promise<DryRuns> {
  const batch = startKubectlBatch(await buildDrainBatch(), ground.controlPlane);
  const audit = new AuditTail(ground.auditLog, /^batch-/);
  const close = async (): Promise<void> => {
    await batch.close();
    await audit.close();
  };
  return { ground, batch, audit, computing: createTurns(COMPUTING), close };
}

export function compareDry(
  runs: DryRuns,
  planned: readonly PlannedPair[],
  onPair: (pair: DryPair) => void = () => undefined,
): Promise<readonly DryPair[]> {
  return inTurns(planned, IN_FLIGHT, async (one) => {
    const first = await compareOne(runs, one);
    const pair = isLate(first) ? await compareOne(runs, one) : first;
    onPair(pair);
    return pair;
  });
}

const LATE = /global timeout reached|context deadline exceeded/;

/** A deviation that is listed, where the machine stood still for longer than the timeout: seen by this that it passes. */
function isLate({ ours, kubectls }: DryPair): boolean {
  return ours.errors.some((text) => LATE.test(text) && !kubectls.errors.includes(text));
}

async function compareOne(
  { ground, batch, audit, computing }: DryRuns,
  { combination, place }: PlannedPair,
): Promise<DryPair> {
  const [ours, { removals, ...run }] = await Promise.all([
    computing((onRetrying) => runOurDrain(ground.agent, { place, combination, dryRun: true, onRetrying })),
    computing((onRetrying) => batch.run({ node: place.node, combination }, onRetrying)),
  ]);
  const requests = await audit.take(run.user, removals);
  return { combination, place, ours, run, kubectls: kubectlOutcome(run, place, requests) };
}

const EXIT_CODES = { drained: 0, failed: 1, endless: undefined };

/** @returns a text with all that is needed to look into it; undefined where both are alike, exit for exit */
export function dryDifference({ combination, place, ours, kubectls, run }: DryPair): string | undefined {
  const differing = difference({ combination, population: place.population, dryRun: true, ours, kubectls });
  if (differing !== undefined) return differing;
  if (run.exitCode === EXIT_CODES[ours.ending]) return undefined;
  return `kubectl ended with ${run.exitCode} where ours ${ours.ending}:\n${run.stdout}${run.stderr}`;
}
