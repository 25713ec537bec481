/** Real drains: `kubectl drain` on one node, ours on its twin, and the API server's word for what came of both. */
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { readRemovals } from "../../drain-parity/audit-log.ts";
import { COMBINATIONS, GRACE_SECONDS, SKIP_SECONDS, type Combination } from "../../drain-parity/combinations.ts";
import { difference, type Pair } from "../../drain-parity/differences.ts";
import { kubectlOutcome, runKubectlDrain, type KubectlRun } from "../../drain-parity/kubectl-drain.ts";
import { runOurDrain } from "../../drain-parity/our-drain.ts";
import { inTurns, paritySeed, prepareParityGround, type ParityGround } from "../../drain-parity/parity-ground.ts";
import { settlePopulations } from "../../drain-parity/place-population.ts";
import {
  randomPopulations,
  type BudgetPlan,
  type Owner,
  type PodState,
  type Population,
} from "../../drain-parity/population.ts";
import {
  anonymous,
  placeTwins,
  readAftermath,
  withContested,
  type Aftermath,
  type Twins,
} from "../../drain-parity/twins.ts";

/** Of each kind: with pods that do not go, with budgets, any. */
const TWINS_A_KIND = 20;
const SAMPLE = 400;
const AT_ONCE = 12;
/** A drain has made its second attempt by then, and not its third; and pods that go are gone, also on a busy machine. */
const TIMEOUT_SECONDS = 9;
const ENDLESS_AFTER_MS = TIMEOUT_SECONDS * 1_000;
const TIMEOUT_MS = 180_000;
/** Coprime to the number of combinations: their fields vary independently of each other. */
const STRIDE = 127;

/** One of each kind of ending, whatever chance brings. */
const KNOWN: readonly (readonly [Population, Combination])[] = [
  known("ReplicaSet", "ready", { gracePeriod: GRACE_SECONDS }),
  known("StatefulSet", "held", { timeoutSeconds: TIMEOUT_SECONDS }),
  known("StatefulSet", "finalizer", { skipWaitForDeleteTimeout: SKIP_SECONDS, disableEviction: true }),
  known("ReplicaSet", "finalizer", {}),
  known("none", "ready", {}),
  known("ReplicaSet", "ready", { timeoutSeconds: TIMEOUT_SECONDS }, [{ over: 0, maxUnavailable: 0 }]),
];

interface RealPair extends Pair {
  readonly exitCode: number | undefined;
  readonly aftermaths: { readonly ours: Aftermath; readonly kubectls: Aftermath };
}

/** What kubectl asked for is in the audit log, to be read once all are done. */
interface DrainedPair extends Omit<RealPair, "kubectls" | "exitCode"> {
  readonly run: KubectlRun;
  readonly twins: Twins;
}

const { binariesFolder } = inject("controlPlane");
const seed = paritySeed();
let ground: ParityGround;
let pairs: readonly RealPair[];

beforeAll(async () => {
  ground = await prepareParityGround(binariesFolder);
  const planned = [...KNOWN, ...tellingPopulations().map((one, index) => [one, combinationFor(index)] as const)];
  const placed = await inTurns(planned, AT_ONCE, async ([population], index) =>
    placeTwins(ground, population, `twin-${index}`),
  );
  await settlePopulations(
    ground,
    placed.flatMap(({ ours, kubectls }) => [ours, kubectls]),
  );
  const twins = await inTurns(placed, AT_ONCE, async (one) => withContested(ground.client, one));
  const drained = await inTurns(twins, AT_ONCE, async (one, index) => drainBoth(one, planned[index]![1], index));
  const removals = await readRemovals(ground.auditLog);
  pairs = drained.map(({ run, twins: { kubectls, contested }, ...pair }) => {
    const outcome = kubectlOutcome(run, kubectls, removals.get(run.user) ?? []);
    return { ...pair, kubectls: anonymous(outcome, kubectls, contested), exitCode: run.exitCode };
  });
}, TIMEOUT_MS);
afterAll(async () => ground?.stop());

function known(owner: Owner, state: PodState, fields: Partial<Combination>, budgets: readonly BudgetPlan[] = []) {
  const groups = [{ app: "app0", owner, tier: "front" as const, emptyDir: false, states: [state, "ready" as const] }];
  return [
    { groups, budgets, cordonedBefore: false },
    { ...COMBINATIONS[0]!, ...fields },
  ] as const;
}

/** A drain of nothing but ready pods under no budget is soon told. */
function tellingPopulations(): readonly Population[] {
  const sample = randomPopulations(seed, SAMPLE);
  const states = ["held", "finalizer", "in-grace"];
  const stuck = sample.filter(({ groups }) => groups.some((group) => group.states.some((one) => states.includes(one))));
  const budgeted = sample.filter((one) => one.budgets.length > 0 && !stuck.includes(one));
  return [stuck, budgeted, sample].flatMap((some) => some.slice(0, TWINS_A_KIND));
}

/** Two of three drains are allowed what populations seldom go without. */
function combinationFor(index: number): Combination {
  const drawn = COMBINATIONS[(index * STRIDE + seed) % COMBINATIONS.length]!;
  const combination = { ...drawn, timeoutSeconds: drawn.timeoutSeconds > 0 ? TIMEOUT_SECONDS : 0 };
  return index % 3 === 0
    ? combination
    : { ...combination, force: true, ignoreDaemonSets: true, deleteLocalData: true, podSelector: "none" };
}

async function drainBoth(twins: Twins, combination: Combination, index: number): Promise<DrainedPair> {
  const { ours, kubectls, contested } = twins;
  const { controlPlane, agent, client } = ground;
  const user = `twin-${index}`;
  const endless = combination.timeoutSeconds === 0 ? { endlessAfterMs: ENDLESS_AFTER_MS } : {};
  const [ourOutcome, run] = await Promise.all([
    runOurDrain(agent, { place: ours, combination, dryRun: false, ...endless }),
    runKubectlDrain(controlPlane, { nodes: [kubectls.node], combination, dryRun: false, user, ...endless }),
  ]);
  return {
    run,
    twins,
    combination,
    population: ours.population,
    dryRun: false,
    ours: anonymous(ourOutcome, ours, contested),
    aftermaths: {
      ours: anonymous(await readAftermath(client, ours), ours, contested),
      kubectls: anonymous(await readAftermath(client, kubectls), kubectls, contested),
    },
  };
}

test("the drains differ enough: drained, timed out, refused, endless, held by a budget, not waited for", () => {
  const seen = (look: (pair: RealPair) => boolean): number => pairs.filter(look).length;
  const kinds = {
    drained: seen(({ kubectls }) => kubectls.ending === "drained" && kubectls.endings.length > 0),
    timedOut: seen(({ kubectls }) => kubectls.errors.some((text) => text.includes("deadline exceeded"))),
    refused: seen(({ kubectls }) => kubectls.errors.some((text) => text.startsWith("cannot delete"))),
    endless: seen(({ kubectls }) => kubectls.ending === "endless"),
    held: seen(({ kubectls }) => kubectls.retried.length > 0),
    notWaitedFor: seen(({ kubectls }) => kubectls.endings.some((text) => text.includes("skipping"))),
  };
  console.log(`${pairs.length} pairs of real drains: ${JSON.stringify(kinds)}`);
  expect(Object.entries(kinds).filter(([, count]) => count === 0)).toEqual([]);
});

test("both ask the API server for the same, say the same and end alike", () => {
  expect(pairs.flatMap((pair) => difference(pair) ?? [])).toEqual([]);
});

test("kubectl's exit code is 0 where ours drained, 1 where ours failed, and none where both went on for ever", () => {
  const codes = { drained: 0, failed: 1, endless: undefined };
  expect(pairs.filter(({ ours, exitCode }) => exitCode !== codes[ours.ending])).toEqual([]);
});

test("the same pods are gone afterwards, the same are in deletion, and both nodes are cordoned", () => {
  const differing = pairs.filter(
    ({ aftermaths }) => JSON.stringify(aftermaths.ours) !== JSON.stringify(aftermaths.kubectls),
  );
  expect(differing).toEqual([]);
  expect(pairs.every(({ aftermaths }) => aftermaths.ours.unschedulable)).toBe(true);
});
