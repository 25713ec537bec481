/**
 * Every combination of the drain fields over every population, as dry runs beside kubectl's, for a night: scripts/drain-parity
 * --all. It takes up both cores, tells how far it is, and goes on where it was ended when it is given the same seed.
 */
import { COMBINATIONS, type Combination } from "./combinations.ts";
import { compareDry, dryDifference, prepareDryRuns, type DryRuns } from "./compare-dry.ts";
import { countKinds, KINDS, type KindCounts } from "./kinds.ts";
import { openPartResults, type PartResult, type PartResults } from "./part-results.ts";
import { inTurns, paritySeed, prepareParityGround } from "./parity-ground.ts";
import { placePopulations, type PlacedPopulation } from "./place-population.ts";
import { randomPopulations } from "./population.ts";
import { startProgress, type Progress } from "./progress.ts";
import { findControlPlaneBinaries } from "../control-plane/binaries.ts";

const POPULATIONS = Number(process.env["PARITY_POPULATIONS"] ?? 300);
/** So many shares of the whole, and which one of them is asked for: from 1. */
const [SHARE, SHARES] = (process.env["PARITY_PART"] ?? "1/1").split("/").map(Number) as [number, number];
/** What is kept once it is done, and not done again: a dozen combinations. */
const PARTS = 48;
/** The second one begins while the last of the first sleep. */
const PARTS_AT_ONCE = 2;
/** Coprime to the number of combinations: each part has all values of each field. */
const STRIDE = 127;
const SHOWN = 5;
const KEPT = 20;

async function main(): Promise<void> {
  const seed = paritySeed();
  const results = openPartResults(`seed-${seed}-populations-${POPULATIONS}`);
  const asked = Array.from({ length: PARTS }, (_, part) => part).filter(
    (part) => Math.floor((part * SHARES) / PARTS) === SHARE - 1,
  );
  const missing = asked.filter((part) => results.read(part) === undefined);
  console.log(`${asked.length - missing.length} of ${asked.length} parts are there already, in ${results.folder}`);
  console.log(`scripts/drain-parity with --seed ${seed} goes on where this run ends`);
  if (missing.length > 0) await runParts(seed, missing, results);
  report(asked.map((part) => results.read(part)!));
}

async function runParts(seed: number, parts: readonly number[], results: PartResults): Promise<void> {
  const ground = await prepareParityGround(await findControlPlaneBinaries());
  try {
    const placed = await placePopulations(ground, randomPopulations(seed, POPULATIONS));
    console.log(`${placed.length} nodes with ${placed.reduce((sum, { pods }) => sum + pods.length, 0)} pods are there`);
    const runs = await prepareDryRuns(ground);
    const progress = startProgress(parts.reduce((sum, part) => sum + combinationsOf(part).length, 0) * placed.length);
    try {
      await inTurns(parts, PARTS_AT_ONCE, async (part) =>
        results.keep(part, await runPart(runs, part, placed, progress)),
      );
    } finally {
      progress.stop();
      await runs.close();
    }
  } finally {
    await ground.stop();
  }
}

function combinationsOf(part: number): readonly Combination[] {
  const count = COMBINATIONS.length;
  return COMBINATIONS.filter((_, index) => Math.floor((((index * STRIDE) % count) * PARTS) / count) === part);
}

async function runPart(
  runs: DryRuns,
  part: number,
  placed: readonly PlacedPopulation[],
  progress: Progress,
): Promise<PartResult> {
  const planned = combinationsOf(part).flatMap((combination) => placed.map((place) => ({ combination, place })));
  const pairs = await compareDry(runs, planned, (pair) => progress.note(dryDifference(pair) !== undefined));
  const differing = pairs.flatMap((pair) => dryDifference(pair) ?? []);
  return {
    pairs: pairs.length,
    differing: differing.length,
    kinds: countKinds(pairs),
    differences: differing.slice(0, KEPT),
  };
}

function report(parts: readonly PartResult[]): void {
  const sum = (look: (part: PartResult) => number): number => parts.reduce((total, part) => total + look(part), 0);
  const kinds = Object.fromEntries(KINDS.map((kind) => [kind, sum((part) => part.kinds[kind])])) as KindCounts;
  const differing = sum((part) => part.differing);
  console.log(`${sum((part) => part.pairs)} pairs: ${JSON.stringify(kinds)}`);
  for (const text of parts.flatMap(({ differences }) => differences).slice(0, SHOWN)) console.log(text);
  console.log(`${differing} of ${sum((part) => part.pairs)} pairs differ`);
  if (differing > 0) process.exitCode = 1;
}

await main();
