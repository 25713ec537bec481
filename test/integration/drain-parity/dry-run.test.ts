/** `kubectl drain --dry-run=server` beside our dry run, over random nodes and every combination of the drain fields. */
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { readRemovals } from "../../drain-parity/audit-log.ts";
import { COMBINATIONS, SEVEN_FIELDS } from "../../drain-parity/combinations.ts";
import {
  compareDry,
  dryDifference,
  prepareDryRuns,
  type DryPair,
  type DryRuns,
  type PlannedPair,
} from "../../drain-parity/compare-dry.ts";
import { buildDrainBatch } from "../../drain-parity/kubectl-batch.ts";
import { kubectlOutcome, runKubectlDrain, type KubectlRun } from "../../drain-parity/kubectl-drain.ts";
import { countKinds, kindsOf } from "../../drain-parity/kinds.ts";
import { inTurns, paritySeed, prepareParityGround, type ParityGround } from "../../drain-parity/parity-ground.ts";
import { placePopulations, type PlacedPopulation } from "../../drain-parity/place-population.ts";
import { randomPopulations } from "../../drain-parity/population.ts";
import { isOrdered, saidLines, saidOnce } from "../../drain-parity/said-alike.ts";
import { BUILD_TIMEOUT_MS } from "../../go/build-module.ts";

const POPULATIONS = Number(process.env["PARITY_POPULATIONS"] ?? 300);
/** Each combination of the seven fields gets one of them, and another one with another seed. */
const SELECTORS = COMBINATIONS.length / SEVEN_FIELDS;
const COMBINATIONS_A_POPULATION = 3;
const POPULATIONS_A_COMBINATION = Math.max(5, Math.ceil((COMBINATIONS_A_POPULATION * POPULATIONS) / SEVEN_FIELDS));
/** Of each mix of kinds; a process takes a tenth of a second of CPU. */
const PROCESSES_A_MIX = 3;
const PROCESSES = 36;
/** Most of them sleep until their second attempt. */
const PROCESSES_AT_ONCE = 8;
const TIMEOUT_MS = 300_000 * Math.max(1, POPULATIONS / 300);
const SHOWN = 5;

const { binariesFolder } = inject("controlPlane");
const seed = paritySeed();
let ground: ParityGround;
let runs: DryRuns;
let pairs: readonly DryPair[];

beforeAll(buildDrainBatch, BUILD_TIMEOUT_MS);
beforeAll(async () => {
  ground = await prepareParityGround(binariesFolder);
  const placed = await placePopulations(ground, randomPopulations(seed, POPULATIONS));
  runs = await prepareDryRuns(ground);
  pairs = await compareDry(runs, plannedPairs(placed));
}, TIMEOUT_MS);
afterAll(async () => {
  await runs?.close();
  await ground?.stop();
});

function plannedPairs(placed: readonly PlacedPopulation[]): readonly PlannedPair[] {
  return Array.from({ length: SEVEN_FIELDS * POPULATIONS_A_COMBINATION }, (_, index) => {
    const fields = Math.floor(index / POPULATIONS_A_COMBINATION);
    const combination = COMBINATIONS[((fields + seed) % SELECTORS) * SEVEN_FIELDS + fields]!;
    return { combination, place: placed[index % POPULATIONS]! };
  });
}

test("each combination of the seven fields meets at least two nodes, and each node several combinations", () => {
  const sevenFields = (one: DryPair): string => JSON.stringify({ ...one.combination, podSelector: undefined });
  const perCombination = Map.groupBy(pairs, sevenFields);
  expect(perCombination.size).toBe(SEVEN_FIELDS);
  expect(Math.min(...[...perCombination.values()].map((some) => some.length))).toBeGreaterThanOrEqual(2);
  const perNode = Map.groupBy(pairs, ({ place }) => place.node);
  expect(perNode.size).toBe(POPULATIONS);
  expect(Math.min(...[...perNode.values()].map((some) => some.length))).toBeGreaterThanOrEqual(
    COMBINATIONS_A_POPULATION,
  );
});

test.runIf(POPULATIONS >= 300)("the nodes differ enough for every kind of ending, refusal and answer", () => {
  const kinds = countKinds(pairs);
  console.log(`${pairs.length} pairs: ${JSON.stringify(kinds)}`);
  expect(Object.entries(kinds).filter(([, count]) => count === 0)).toEqual([]);
});

test("both evict the same pods, refuse with the same words, warn of the same and end alike, exit for exit", () => {
  const found = pairs.flatMap((pair) => dryDifference(pair) ?? []);
  console.log(`${found.length} of ${pairs.length} pairs differ`);
  expect(found.slice(0, SHOWN)).toEqual([]);
});

test("kubectl as a process asks for the same as in these pairs, says the same byte for byte, and ends with the same code", async () => {
  const chosen = [...Map.groupBy(pairs, (pair) => kindsOf(pair).join()).values()]
    .flatMap((alike) => alike.slice(0, PROCESSES_A_MIX))
    .slice(0, PROCESSES);
  const processes = await inTurns(chosen, PROCESSES_AT_ONCE, runProcess);
  const removals = await readRemovals(ground.auditLog);
  for (const [index, { place, run, kubectls }] of chosen.entries()) {
    const process = processes[index]!;
    expect(kubectlOutcome(process, place, removals.get(process.user) ?? [])).toEqual(kubectls);
    expect(process.exitCode).toBe(run.exitCode);
    if (kubectls.ending === "endless") expect(saidOnce(process)).toEqual(saidOnce(run));
    else expect(saidLines(process)).toEqual(saidLines(run));
  }
  const ordered = chosen.flatMap(({ run }, index) => (isOrdered(run) ? [{ run, process: processes[index]! }] : []));
  const ended = ordered.filter(({ run }) => run.exitCode !== undefined);
  console.log(`${chosen.length} of them beside kubectl processes, ${ended.length} without anything left to chance`);
  expect(ended.length).toBeGreaterThanOrEqual(5);
  for (const { run, process } of ended) expect(process).toEqual({ ...run, user: process.user });
});

/** One that goes on for ever is stopped when it has said what the other one said. */
async function runProcess({ combination, place, kubectls, run }: DryPair, index: number): Promise<KubectlRun> {
  const wanted = saidOnce(run);
  const isEndless = (stdout: string, stderr: string): boolean => {
    const said = new Set(saidOnce({ stdout, stderr }));
    return wanted.every((line) => said.has(line));
  };
  return runKubectlDrain(ground.controlPlane, {
    nodes: [place.node],
    combination,
    dryRun: true,
    user: `process-${index}`,
    ...(kubectls.ending === "endless" ? { isEndless } : {}),
  });
}
