/** `kubectl drain --dry-run=server` beside our dry run, over random nodes and every combination of the drain fields. */
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { COMBINATIONS, SEVEN_FIELDS, type Combination } from "../../drain-parity/combinations.ts";
import { compareDry, type Assignment, type DryPair } from "../../drain-parity/compare-dry.ts";
import { difference } from "../../drain-parity/differences.ts";
import { inTurns, paritySeed, prepareParityGround, type ParityGround } from "../../drain-parity/parity-ground.ts";
import { placePopulation, settlePopulations, type PlacedPopulation } from "../../drain-parity/place-population.ts";
import { randomPopulations } from "../../drain-parity/population.ts";

const POPULATIONS = Number(process.env["PARITY_POPULATIONS"] ?? 300);
const PLACED_AT_ONCE = 8;
/** Each combination of the seven fields gets one of them, and another one with another seed. */
const SELECTORS = COMBINATIONS.length / SEVEN_FIELDS;
const POPULATIONS_A_COMBINATION = 5;
/** All combinations over all populations, for a night: scripts/drain-parity --all. */
const ALL = process.env["PARITY_ALL"] === "1";
/** Of that, so many parts of equal size, and which one of them: from 1. */
const [PART, PARTS] = (process.env["PARITY_PART"] ?? "1/1").split("/").map(Number) as [number, number];
/** For one kubectl process, whose client lets itself ask 50 times a second. */
const BATCH = 20;
const TIMEOUT_MS = ALL ? 8 * 3_600_000 : 300_000;
const SHOWN = 5;

const { binariesFolder } = inject("controlPlane");
const seed = paritySeed();
let ground: ParityGround;
let placed: readonly PlacedPopulation[];
let pairs: readonly DryPair[];

beforeAll(async () => {
  ground = await prepareParityGround(binariesFolder);
  placed = await inTurns(randomPopulations(seed, POPULATIONS), PLACED_AT_ONCE, async (population, index) =>
    placePopulation(ground, population, `p${index}`),
  );
  await settlePopulations(ground, placed);
  pairs = await compareDry(ground, assignments());
}, TIMEOUT_MS);
afterAll(async () => ground?.stop());

function assignments(): readonly Assignment[] {
  if (ALL) return partOfAll().flatMap((combination) => batches().map((places) => ({ combination, places })));
  return Array.from({ length: SEVEN_FIELDS }, (_, index) => ({
    combination: COMBINATIONS[((index + seed) % SELECTORS) * SEVEN_FIELDS + index]!,
    places: Array.from(
      { length: POPULATIONS_A_COMBINATION },
      (_each, turn) => placed[(index * POPULATIONS_A_COMBINATION + turn) % POPULATIONS]!,
    ),
  }));
}

/** Coprime to the number of combinations: each part has all values of each field. */
const STRIDE = 127;

function partOfAll(): readonly Combination[] {
  const count = COMBINATIONS.length;
  return COMBINATIONS.filter((_, index) => Math.floor((((index * STRIDE) % count) * PARTS) / count) === PART - 1);
}

function batches(): readonly (readonly PlacedPopulation[])[] {
  const count = Math.ceil(placed.length / BATCH);
  return Array.from({ length: count }, (_, index) => placed.slice(index * BATCH, (index + 1) * BATCH));
}

test.runIf(PARTS === 1)(
  "each combination of the seven fields meets at least two nodes, and each node several combinations",
  () => {
    const sevenFields = (one: DryPair): string => JSON.stringify({ ...one.combination, podSelector: undefined });
    const perCombination = Map.groupBy(pairs, sevenFields);
    expect(perCombination.size).toBe(SEVEN_FIELDS);
    expect(Math.min(...[...perCombination.values()].map((some) => some.length))).toBeGreaterThanOrEqual(2);
    const perNode = Map.groupBy(pairs, ({ place }) => place.node);
    expect(perNode.size).toBe(POPULATIONS);
    expect(Math.min(...[...perNode.values()].map((some) => some.length))).toBeGreaterThanOrEqual(3);
  },
);

test.runIf(POPULATIONS >= 300)("the nodes differ enough for every kind of ending, refusal and answer", () => {
  const seen = (look: (pair: DryPair) => boolean): number => pairs.filter(look).length;
  const kinds = {
    drained: seen(({ kubectls }) => kubectls.ending === "drained" && kubectls.requests.length > 0),
    endless: seen(({ kubectls }) => kubectls.ending === "endless"),
    retried: seen(({ kubectls }) => kubectls.ending === "failed" && kubectls.retried.length > 0),
    refused: seen(({ kubectls }) => kubectls.errors.some((text) => text.startsWith("cannot delete"))),
    warned: seen(({ kubectls }) => kubectls.warnings.length > 0),
    deleted: seen(({ kubectls }) => kubectls.requests.some((text) => text.startsWith("delete"))),
    twoBudgets: seen(({ kubectls }) =>
      kubectls.errors.some((text) => text.includes("more than one PodDisruptionBudget")),
    ),
    goneDaemonSet: seen(({ kubectls }) => kubectls.errors.some((text) => text.includes("not found"))),
    alreadyCordoned: seen(({ kubectls }) => kubectls.cordon === "already cordoned"),
  };
  console.log(`${pairs.length} pairs: ${JSON.stringify(kinds)}`);
  expect(Object.entries(kinds).filter(([, count]) => count === 0)).toEqual([]);
});

test("both evict the same pods, refuse with the same words, warn of the same and end alike", () => {
  const found = pairs.flatMap((pair) => {
    return difference({ ...pair, population: pair.place.population, dryRun: true }) ?? [];
  });
  console.log(`${found.length} of ${pairs.length} pairs differ`);
  expect(found.slice(0, SHOWN)).toEqual([]);
});
