/**
 * A rollout over a fleet whose operators are killed, started again and frozen all the time. Machines are the real agent on
 * simulated nodes; everything that the API server stored meanwhile is judged afterwards. scripts/rollout-kills --all: 1,000
 * machines.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ManagedOSImage, ManagedOSImageStatus } from "@rancheros/protocol/resources";
import { isTerminal, PHASES } from "@rancheros/protocol/upgrade";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { ApiClient } from "../../control-plane/api-client.ts";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { createNamespace } from "../../control-plane/namespace.ts";
import { Fleet } from "../../fleet/fleet.ts";
import { recordHistory, type History } from "../../fleet/history.ts";
import { judgeHistory } from "../../fleet/judge-history.ts";
import { OperatorChaos } from "../../fleet/operator-chaos.ts";
import { scaledClock } from "../../fleet/scaled-clock.ts";
import { fleetService, peerSpkiAt, type Service } from "../../fleet/service.ts";
import type { Fault } from "../../fleet/simulated-node.ts";
import { inTurns } from "../../drain-parity/parity-ground.ts";
import { fleetCrds, fleetObject } from "../../operator/fleet-crds.ts";
import { makeRegistration } from "../../operator/objects.ts";
import { buildOsImage, imageReference, pushImage, startRegistry, type TestRegistry } from "../../registry/index.ts";
import { createFleet } from "../../software-tpm/index.ts";

const SIZE = Number(process.env["ROLLOUT_MACHINES"] ?? 150);
const SEED = Number(process.env["ROLLOUT_SEED"] ?? Date.now() % 2 ** 31);
const CONCURRENCY = Math.ceil(SIZE / 12);
const BUDGET = 2;
const RAISED_BUDGET = 50;
const CANARIES = 5;
const OFFLINE = 5;
const FAILING = 5;
/** So long nobody waits for any of it, on a machine that is as slow as can be. */
const PATIENCE_MS = 150_000 + SIZE * 1_000;
const SET_UP_MS = 60_000 + SIZE * 400;
const NODE_MS = 15_000;
const clock = scaledClock({ epochMs: Date.now(), factor: 8 });

/** The phase that each fault comes to. */
const ENDS = { none: "Succeeded", fails: "Failed", "falls-back": "RolledBack", vanishes: undefined } as const;

const controlPlane = inject("controlPlane");
const folder = mkdtempSync(path.join(tmpdir(), "rollout-kills-"));
const namespace = "rollout-kills";
const api = new ApiClient(controlPlane, controlPlane);
const images = `/apis/rancheros.cattle.io/v1/namespaces/${namespace}/managedosimages`;
const machinesPath = `/apis/rancheros.cattle.io/v1/namespaces/${namespace}/machineinventories`;
let registry: TestRegistry;
let chaos: OperatorChaos;
let service: Service;
let fleet: Fleet;
let history: History | undefined;

const clusterOf = (number: number): string => (number % 5 < 3 ? "c1" : "c2");
const isCanary = (number: number): boolean => number < CANARIES;
const isOffline = (number: number): boolean => number >= CANARIES && number < CANARIES + OFFLINE;

/** Some in each cluster, and none among the canaries. */
function faultOf(number: number): Fault {
  if (number >= SIZE - FAILING) return number % 2 === 0 ? "fails" : "falls-back";
  return "none";
}

async function status(): Promise<ManagedOSImageStatus> {
  return ((await api.get(`${images}/os`)) as ManagedOSImage).status ?? {};
}

async function until(what: string, holds: (found: ManagedOSImageStatus) => boolean): Promise<ManagedOSImageStatus> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await status();
    if (holds(found)) return found;
    if (fleet.failure !== undefined) throw new Error("a machine has ended", { cause: fleet.failure });
    if (performance.now() > deadlineMs) {
      const { slots: _slots, failures: _failures, conditions: _conditions, ...rest } = found;
      throw new Error(`gave up waiting for ${what} (seed ${SEED}): ${JSON.stringify(rest)}`);
    }
    await sleep(200);
  }
}

async function place(): Promise<void> {
  await inTurns(fleet.machines, 8, async ({ name, options }) => {
    const role = options.number % 30 === 0 ? "server" : "agent";
    const spec = { clusterName: clusterOf(options.number), config: { role } };
    await api.mergePatch(`${machinesPath}/${name}`, { spec });
  });
}

beforeAll(async () => {
  registry = await startRegistry({ folder: path.join(folder, "registry") });
  await pushImage(registry, "os", "v1", buildOsImage({ release: "IMAGE=v1\n", upgradeScript: "#!/bin/sh\n" }));
  await createNamespace(controlPlane, namespace);
  await applyObjects(controlPlane, ...fleetCrds());
  for (const cluster of ["c1", "c2"]) {
    await applyObjects(controlPlane, fleetObject("Cluster", namespace, cluster, { env: "test" }));
  }
  chaos = await OperatorChaos.start(
    {
      folder,
      kubeconfigPath: controlPlane.kubeconfigPath,
      namespace,
      watchNamespace: namespace,
      serverUrl: "https://rancher.example.com",
      flags: [`--insecure-registry=${registry.host}`],
      clock,
    },
    2,
  );
  service = fleetService(() => chaos.urls, await peerSpkiAt(chaos.httpsUrl));
  const { token } = await makeRegistration(controlPlane, namespace, "all");
  fleet = new Fleet({
    size: SIZE,
    seed: SEED,
    clock,
    service,
    tpms: createFleet(SIZE),
    token,
    nodeMs: NODE_MS,
    nodeLabels: (number) => (isCanary(number) ? { canary: "yes" } : {}),
    faultOf,
    requestTimeoutMs: 3_000,
  });
  await fleet.join(8);
  await place();
  history = await recordHistory(api, namespace);
}, SET_UP_MS);

afterAll(async () => {
  await chaos.end();
  await fleet.stop();
  await history?.stop();
  await Promise.all([service.close(), api.close(), registry.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

describe(`a rollout over ${SIZE} machines whose operators are killed and frozen again and again`, () => {
  it(
    "halts at its budget, goes on when that is raised, and takes every machine to its end",
    async () => {
      const { machines } = fleet;
      fleet.start(
        machines.filter((_, number) => !isOffline(number)),
        10_000,
      );
      await applyObjects(controlPlane, {
        apiVersion: "rancheros.cattle.io/v1",
        kind: "ManagedOSImage",
        metadata: { name: "os", namespace },
        spec: {
          osImage: imageReference(registry, "os", "v1"),
          targets: [{ clusterSelector: { matchLabels: { env: "test" } } }],
          concurrency: CONCURRENCY,
          failureBudget: BUDGET,
          canary: { selector: { matchLabels: { canary: "yes" } } },
          drain: { force: true },
        },
      });
      const troubling = chaos.trouble();
      // Those that fail may be among the first: their places are a hash of their UIDs.
      await until("the first third", ({ updated = 0, state }) => updated >= SIZE / 3 || state === "Halted");
      fleet.start(machines.filter((_, number) => isOffline(number)));
      await until("the halt", ({ state }) => state === "Halted");
      await api.mergePatch(`${images}/os`, { spec: { failureBudget: RAISED_BUDGET } });
      const found = await until(
        "the end",
        ({ updated = 0, failed = 0, slots = [] }) => updated + failed === SIZE && slots.length === 0,
      );
      chaos.calm();
      await troubling;
      expect(found).toMatchObject({ total: SIZE, updated: SIZE - FAILING, failed: FAILING, pending: 0 });
      console.log(`seed ${SEED}: ${chaos.kills} kills, ${chaos.freezes} freezes, ${JSON.stringify(service.counts)}`);
    },
    PATIENCE_MS * 3,
  );

  it("never gave more slots than allowed, never twice, canaries first, and none over its budget", () => {
    const nameOf = new Map(fleet.machines.map(({ name = "", options }) => [name, options.number]));
    const states = history?.states() ?? [];
    const judged = judgeHistory(states, {
      concurrency: CONCURRENCY,
      budgetOf: ({ spec }) => Number(spec.failureBudget ?? 0),
      clusterOf: (machine) => clusterOf(nameOf.get(machine) ?? 0),
      canaries: new Set(fleet.machines.filter((_, number) => isCanary(number)).map(({ name = "" }) => name)),
    });
    expect(judged.violations, `seed ${SEED}`).toEqual([]);
    expect([...judged.grants.values()].filter((attempts) => attempts.size !== 1)).toEqual([]);
    expect(judged.grants.size).toBe(SIZE);
    // The check itself has seen something: the beginning of each machine and its one end, whatever was killed. A phase between
    // is written less the more machines are under way.
    const blind = fleet.machines.filter(({ name = "", options }) => {
      const phases = judged.phases.get(name) ?? [];
      const end = ENDS[options.node.options.fault];
      return (
        !phases.some((phase) => PHASES[phase].holdsSlot) || phases.filter((phase) => isTerminal(phase)).join() !== end
      );
    });
    expect(
      blind.map(({ name = "" }) => [name, judged.phases.get(name)]),
      `seed ${SEED}`,
    ).toEqual([]);
    expect(judged.mostSlots).toBe(CONCURRENCY);
    expect(chaos.kills).toBeGreaterThanOrEqual(2);
    expect(chaos.freezes).toBeGreaterThanOrEqual(1);
  });

  it("had each machine begin once, and end as it was to end", () => {
    for (const { begun, history: ended, options } of fleet.machines) {
      expect(begun, `machine ${options.number}, seed ${SEED}`).toHaveLength(1);
      expect(ended.map(({ phase }) => phase)).toEqual([ENDS[options.node.options.fault]]);
    }
    expect(fleet.mostDown).toBeLessThanOrEqual(2 * CONCURRENCY + FAILING);
  });
});
