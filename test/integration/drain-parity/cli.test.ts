/** `ros-agent drain` beside `kubectl drain`, whole processes with the same flags: the same lines, exit for exit. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { issueClientCertificate } from "../../control-plane/client-authority.ts";
import { writeKubeconfig } from "../../control-plane/credentials.ts";
import { writeKubeletKubeconfig } from "../../control-plane/kubelet-kubeconfig.ts";
import { readRemovals } from "../../drain-parity/audit-log.ts";
import { COMBINATIONS, TIMEOUT_SECONDS, type Combination } from "../../drain-parity/combinations.ts";
import { difference } from "../../drain-parity/differences.ts";
import { kubectlOutcome, runKubectlDrain, type KubectlRun } from "../../drain-parity/kubectl-drain.ts";
import type { RemovalRequest } from "../../drain-parity/outcome.ts";
import { inTurns, paritySeed, prepareParityGround, type ParityGround } from "../../drain-parity/parity-ground.ts";
import { placePopulation, settlePopulations, type PlacedPopulation } from "../../drain-parity/place-population.ts";
import { randomPopulations } from "../../drain-parity/population.ts";
import { FAILURE_CODES, runRosAgentDrain } from "../../drain-parity/ros-agent-drain.ts";

const POPULATIONS = 24;
const AT_ONCE = 4;
/** Coprime to the number of combinations. */
const STRIDE = 127;
const ADMIN = "ros-agent-admin";
const TIMEOUT_MS = 180_000;

interface Three {
  readonly place: PlacedPopulation;
  readonly combination: Combination;
  readonly kubectl: KubectlRun;
  readonly admin: KubectlRun;
  /** With the kubelet's identity, which may look for no DaemonSet; undefined where that decides. */
  readonly kubelet: KubectlRun | undefined;
}

const { binariesFolder } = inject("controlPlane");
const seed = paritySeed();
const folder = mkdtempSync(path.join(tmpdir(), "parity-cli-"));
let ground: ParityGround;
let threes: readonly Three[];
let removals: ReadonlyMap<string, readonly RemovalRequest[]>;

beforeAll(async () => {
  ground = await prepareParityGround(binariesFolder);
  const { controlPlane } = ground;
  const certificate = issueClientCertificate(controlPlane.clientAuthority, { user: ADMIN, groups: ["system:masters"] });
  writeKubeconfig(adminKubeconfig(), controlPlane.serverUrl, controlPlane.caPem, { name: ADMIN, certificate });
  const placed = await inTurns(randomPopulations(seed, POPULATIONS), AT_ONCE, async (population, index) =>
    placePopulation(ground, population, `cli-${index}`),
  );
  await settlePopulations(ground, placed);
  threes = await inTurns(placed, AT_ONCE, drainThrice);
  removals = await readRemovals(ground.auditLog);
}, TIMEOUT_MS);
afterAll(async () => {
  await ground?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function adminKubeconfig(): string {
  return path.join(folder, "admin.kubeconfig");
}

async function drainThrice(place: PlacedPopulation, index: number): Promise<Three> {
  const { node, population } = place;
  const { controlPlane } = ground;
  // What goes on for ever is compared in the other tests.
  const combination = {
    ...COMBINATIONS[(index * STRIDE + seed) % COMBINATIONS.length]!,
    timeoutSeconds: TIMEOUT_SECONDS,
  };
  const kubectl = await runKubectlDrain(controlPlane, {
    nodes: [node],
    combination,
    dryRun: true,
    user: `cli-${index}`,
  });
  const admin = await runRosAgentDrain({ kubeconfigPath: adminKubeconfig(), user: ADMIN, node, combination });
  if (population.groups.some(({ owner }) => owner === "DaemonSet-gone")) {
    return { place, combination, kubectl, admin, kubelet: undefined };
  }
  const kubeconfigPath = path.join(folder, `${node}.kubeconfig`);
  writeKubeletKubeconfig(controlPlane, node, kubeconfigPath);
  const user = `system:node:${node}`;
  return {
    place,
    combination,
    kubectl,
    admin,
    kubelet: await runRosAgentDrain({ kubeconfigPath, user, node, combination }),
  };
}

/** @returns what differs, for each node */
function differing(ours: (three: Three) => KubectlRun | undefined): readonly string[] {
  return threes.flatMap((three) => {
    const { place, combination, kubectl } = three;
    const run = ours(three);
    if (run === undefined) return [];
    const outcome = (one: KubectlRun) => kubectlOutcome(one, place, removals.get(one.user) ?? []);
    const pair = { combination, population: place.population, dryRun: true };
    return difference({ ...pair, ours: outcome(run), kubectls: outcome(kubectl) }) ?? [];
  });
}

function sortedLines(text: string): readonly string[] {
  return text.split("\n").sort((one, other) => (one < other ? -1 : 1));
}

describe("ros-agent drain", () => {
  test("asks, says and ends as kubectl drain does", () => {
    expect(differing(({ admin }) => admin)).toEqual([]);
  });

  test("prints the very lines of kubectl to its standard output", () => {
    // How often an eviction was tried again is a matter of timing.
    const lines = (run: KubectlRun): readonly string[] => [...new Set(sortedLines(run.stdout))];
    for (const { admin, kubectl } of threes) expect(lines(admin)).toEqual(lines(kubectl));
  });

  test("ends with 0 where kubectl does, and with the code of its reason where kubectl ends with 1", () => {
    expect(threes.map(({ kubectl }) => kubectl.exitCode)).toEqual(expect.arrayContaining([0, 1]));
    for (const { admin, kubectl } of threes) {
      expect(kubectl.exitCode === 0 ? [0] : FAILURE_CODES).toContain(admin.exitCode);
    }
  });

  test("does the same with the kubelet's kubeconfig, which may evict this node's pods and look for no DaemonSet", () => {
    expect(threes.filter(({ kubelet }) => kubelet !== undefined).length).toBeGreaterThan(POPULATIONS / 3);
    expect(differing(({ kubelet }) => kubelet)).toEqual([]);
  });

  test("means the pod that it has seen: unlike kubectl it sends the UID", () => {
    const withUid = (users: readonly string[]): ReadonlySet<boolean> =>
      new Set(users.flatMap((user) => (removals.get(user) ?? []).map(({ uid }) => uid !== undefined)));
    expect(withUid([ADMIN])).toEqual(new Set([true]));
    expect(withUid(threes.map(({ kubectl }) => kubectl.user))).toEqual(new Set([false]));
  });
});
