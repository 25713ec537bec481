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
import { randomPopulations, type Population } from "./population.ts";
import { startProgress, type Progress } from "./progress.ts";
import { findControlPlaneBinaries } from "../control-plane/binaries.ts";

const POPULATIONS = Number(process.env["PARITY_POPULATIONS"] ?? 300);
/** So many shares of the whole, and which one of them is asked for: from 1. */
const [SHARE, SHARES] = (process.env["PARITY_PART"] ?? "1/1").split("/").map(Number) as [number, number];
/** On one control plane at one time, whose audit log goes with it: of all it would be gigabytes. */
const WORLD = 60;
/** Of each world's combinations: what is kept once it is done, and not done again. */
const SLICES = 10;
/** The second one begins while the last of the first sleep. */
const SLICES_AT_ONCE = 2;
/** Coprime to the number of combinations: each slice has all values of each field. */
const STRIDE = 127;
const SHOWN = 5;
const KEPT = 20;

interface Part {
  readonly number: number;
  readonly populations: readonly Population[];
  readonly combinations: readonly Combination[];
}

async function main(): Promise<void> {
  const seed = paritySeed();
  const results = openPartResults(`seed-${seed}-populations-${POPULATIONS}`);
  const asked = sharesOf(allParts(seed));
  const missing = asked.filter(({ number }) => results.read(number) === undefined);
  console.log(`${asked.length - missing.length} of ${asked.length} parts are there already, in ${results.folder}`);
  console.log(`scripts/drain-parity with --seed ${seed} goes on where this run ends`);
  const progress = startProgress(missing.reduce((sum, part) => sum + pairsOf(part), 0));
  try {
    for (const parts of Map.groupBy(missing, ({ populations }) => populations).values()) {
      await runWorld(parts, results, progress);
    }
  } finally {
    progress.stop();
  }
  report(asked.map(({ number }) => results.read(number)!));
}

function allParts(seed: number): readonly Part[] {
  const all = randomPopulations(seed, POPULATIONS);
  return Array.from({ length: Math.ceil(all.length / WORLD) }, (_, world) => {
    const populations = all.slice(world * WORLD, (world + 1) * WORLD);
    return Array.from({ length: SLICES }, (_each, slice) => {
      return { number: world * SLICES + slice, populations, combinations: combinationsOf(slice) };
    });
  }).flat();
}

function sharesOf(parts: readonly Part[]): readonly Part[] {
  return parts.filter(({ number }) => Math.floor((number * SHARES) / parts.length) === SHARE - 1);
}

function combinationsOf(slice: number): readonly Combination[] {
  const count = COMBINATIONS.length;
  return COMBINATIONS.filter((_, index) => Math.floor((((index * STRIDE) % count) * SLICES) / count) === slice);
}

function pairsOf({ populations, combinations }: Part): number {
  return populations.length * combinations.length;
}

/** @param parts  of the same populations */
async function runWorld(parts: readonly Part[], results: PartResults, progress: Progress): Promise<void> {
  const ground = await prepareParityGround(await findControlPlaneBinaries());
  const endAtOnce = (): never => {
    ground.discard();
    process.exit(130);
  };
  process.once("SIGINT", endAtOnce).once("SIGTERM", endAtOnce);
  try {
    const placed = await placePopulations(ground, parts[0]?.populations ?? []);
    const runs = await prepareDryRuns(ground);
    try {
      await inTurns(parts, SLICES_AT_ONCE, async (part) => {
        await results.keep(part.number, await runPart(runs, part, placed, progress));
      });
    } finally {
      await runs.close();
    }
  } finally {
    process.off("SIGINT", endAtOnce).off("SIGTERM", endAtOnce);
    await ground.stop();
  }
}

async function runPart(
  runs: DryRuns,
  { combinations }: Part,
  placed: readonly PlacedPopulation[],
  progress: Progress,
): Promise<PartResult> {
  const planned = combinations.flatMap((combination) => placed.map((place) => ({ combination, place })));
  const pairs = await compareDry(runs, planned, (pair) => progress.note(dryDifference(pair)));
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
