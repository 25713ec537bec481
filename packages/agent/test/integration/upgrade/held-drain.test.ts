/** Upgrades whose drain a PodDisruptionBudget holds, on the real API server and with the journal on a disk; the rest of the machine is played. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, inject, it } from "vitest";

import { connectKubernetes } from "@rancheros/agent/kubernetes";
import { kubectl } from "../../../../../test/control-plane/kubectl.ts";
import { inventName, useNamespace } from "../../../../../test/control-plane/namespace.ts";
import { makeTestNode, type TestNode } from "../../../../../test/kubelets/test-node.ts";
import { clusterNode } from "../../../src/upgrade/cluster-node.ts";
import { journalFile } from "../../../src/upgrade/io/journal-file.ts";
import { readJournal } from "../../../src/upgrade/read-journal.ts";
import { openUpgrades, type Upgrades } from "../../../src/upgrade/upgrade.ts";
import { machinePorts } from "../../unit/upgrade/machine-ports.ts";
import { createWorld, orderOf } from "../../unit/upgrade/machine-world.ts";
import type { VirtualTime } from "../../unit/upgrade/virtual-time.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "held");
/** Of the played machine's clock: what it waits for for ten seconds comes after half of one. */
const FASTER = 20;
const PLAN = { prepare: undefined, drain: {} };

let node: TestNode;
/** The only node of a cluster is not drained. */
let other: TestNode;
let folder: string;
let budget: string;
let over: AbortController;
const working: Promise<void>[] = [];

beforeEach(async () => {
  over = new AbortController();
  folder = mkdtempSync(join(tmpdir(), "held-drain-"));
  node = await makeTestNode(target);
  other = await makeTestNode(target);
  await node.client.send({
    method: "PATCH",
    path: `/api/v1/nodes/${node.name}/status`,
    contentType: "application/strategic-merge-patch+json",
    body: { status: { nodeInfo: { bootID: "boot-1" }, conditions: [{ type: "Ready", status: "True" }] } },
    signal: AbortSignal.timeout(10_000),
  });
  budget = inventName("keep-it");
  await node.addPod(namespace, "held", { labels: { app: budget } });
  await node.addBudget(namespace, budget, budget, 0);
  node.startKubelet();
});

afterEach(async () => {
  over.abort();
  await Promise.all(working.splice(0));
  await node.close();
  await other.close();
  rmSync(folder, { recursive: true });
});

const time: VirtualTime = {
  get uptimeMs() {
    return Math.round(performance.now());
  },
  get wallMs() {
    return Date.now();
  },
  sleep: (delayMs, signal) => sleep(delayMs / FASTER, undefined, { signal }),
  until: (promise) => promise,
  forget: () => undefined,
};

async function start(): Promise<Upgrades> {
  const world = createWorld({ upgradeContainer: "installs-live" });
  const played = machinePorts({ world, time }, { die: () => new Promise(() => undefined), isDead: () => false });
  const cluster = clusterNode({
    connect: () => connectKubernetes({ path: target.kubeconfigPath, hostRoot: "/nonexistent" }),
    ownName: () => Promise.resolve(node.name),
  });
  const ports = { ...played, node: cluster, journalFile: journalFile(folder) };
  const upgrades = await openUpgrades(ports, { log: () => undefined });
  working.push(upgrades.work(over.signal).finally(() => cluster.close()));
  return upgrades;
}

const isHeld = (upgrades: Upgrades): Promise<void> =>
  expect
    .poll(() => upgrades.journal(), { timeout: 20_000 })
    .toMatchObject({
      run: { message: expect.stringContaining(`the PodDisruptionBudget ${budget} does not let`) as string },
    });

const ending = async (upgrades: Upgrades) => {
  await expect.poll(() => upgrades.journal().run, { timeout: 30_000 }).toBeUndefined();
  return upgrades.journal();
};

it("goes on after the time-out and by the force that the plan is given meanwhile", async () => {
  const upgrades = await start();
  await upgrades.offer(orderOf(PLAN));
  await isHeld(upgrades);
  const plan = { ...PLAN, drain: { timeout: "2s" }, force: true };
  await expect(upgrades.offer(orderOf(plan))).resolves.toEqual({ kind: "adopt" });
  const onDisk = readJournal((await journalFile(folder).read()) ?? "");
  expect(onDisk.run?.order.plan).toMatchObject({ drain: { timeout: "2s" }, force: true });
  const { history, cordon } = await ending(upgrades);
  expect({ phase: history[0]?.phase, cordon }).toEqual({ phase: "Succeeded", cordon: "none" });
  expect(await node.pods()).toEqual(["held"]);
  expect(await node.isCordoned()).toBe(false);
});

it("leaves no cordon where an administrator lifts his own meanwhile", async () => {
  await kubectl(target, ["cordon", node.name]);
  const upgrades = await start();
  await upgrades.offer(orderOf(PLAN));
  await isHeld(upgrades);
  await kubectl(target, ["uncordon", node.name]);
  await expect.poll(() => node.isCordoned(), { timeout: 20_000 }).toBe(true);
  await node.allow(namespace, budget, 1);
  const { history, cordon } = await ending(upgrades);
  expect({ phase: history[0]?.phase, cordon }).toEqual({ phase: "Succeeded", cordon: "none" });
  expect(await node.pods()).toEqual([]);
  expect(await node.isCordoned()).toBe(false);
});

it("leaves an administrator's cordon", async () => {
  await kubectl(target, ["cordon", node.name]);
  const upgrades = await start();
  await upgrades.offer(orderOf(PLAN));
  await isHeld(upgrades);
  await node.allow(namespace, budget, 1);
  const { history, cordon } = await ending(upgrades);
  expect({ phase: history[0]?.phase, cordon }).toEqual({ phase: "Succeeded", cordon: "none" });
  expect(await node.isCordoned()).toBe(true);
});
