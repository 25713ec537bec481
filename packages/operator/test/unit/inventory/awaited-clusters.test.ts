/** Machines whose spec.clusterName names a cluster that is not there: no failure, little work, and found soon when it comes. */
import { Readable } from "node:stream";
import { KubeConfig } from "@kubernetes/client-node";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { KubernetesError, type Kubernetes } from "../../../src/controller/index.ts";
import {
  InventoryError,
  runInventoryController,
  type ClusterTokens,
  type InventoryController,
} from "../../../src/inventory/index.ts";
import { inventoryEntry } from "../../../src/inventory/inventory-entry.ts";
import { lookForAwaitedClusters } from "../../../src/inventory/io/awaited-clusters.ts";
import { isJson, merged, type Json } from "./stored-inventory.ts";

const HOUR_MS = 3_600_000;
const CREATED = "2026-01-01T00:00:00Z";
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
const NOBODY: Kubernetes = {
  config: new KubeConfig(),
  send: () => Promise.reject(new Error("not asked for")),
  open: () => Promise.reject(new Error("not asked for")),
};

let controller: InventoryController | undefined;

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(Date.parse(CREATED));
});
afterEach(async () => {
  await controller?.stop();
  vi.useRealTimers();
});

function machine(name: string, clusterName: string): Json {
  return {
    apiVersion: "rancheros.cattle.io/v1",
    kind: "MachineInventory",
    metadata: { name, namespace: "n", uid: `u-${name}`, resourceVersion: "1", creationTimestamp: CREATED },
    spec: { tpm: "ab".repeat(32), approval: "Approved", clusterName },
    status: { conditions: [] },
  };
}

/** @param clusterOf  by the machine's name */
function run(clusterOf: Readonly<Record<string, string>>) {
  const objects = new Map(Object.entries(clusterOf).map(([name, cluster]) => [name, machine(name, cluster)]));
  const said: { readonly level: string; readonly sentence: string; readonly fields: unknown }[] = [];
  const asked = { clusters: 0, machines: 0 };
  const there = new Set<string>();
  /** While they are set, nothing is to be found out about clusters, and no token can be made. */
  const trouble: { error?: KubernetesError; making?: InventoryError } = {};
  const say =
    (level: string) =>
    (sentence: string, fields: unknown = {}): void =>
      void said.push({ level, sentence, fields });
  const kubernetes: Kubernetes = {
    config: new KubeConfig(),
    async send({ method, path, body }) {
      const [, name] = /machineinventories\/([^/?]+)/.exec(path) ?? [];
      if (name === undefined) {
        const items = path.includes("machineinventories") ? [...objects.values()] : [];
        return { items, metadata: { resourceVersion: "7" } };
      }
      if (method === "GET") asked.machines += 1;
      else if (isJson(body) && isJson(body["status"])) {
        objects.set(name, merged(objects.get(name), { status: body["status"] }) as Json);
      }
      return objects.get(name);
    },
    open: async (_path, signal) => new Readable({ read: () => undefined, signal }),
  };
  const tokens: ClusterTokens = {
    async managementCluster(_namespace, clusterName) {
      asked.clusters += 1;
      if (trouble.error !== undefined) throw trouble.error;
      return there.has(clusterName) ? `c-m-${clusterName}` : undefined;
    },
    find: async () => undefined,
    async create() {
      if (trouble.making !== undefined) throw trouble.making;
    },
    mark: () => Promise.reject(new Error("not asked for")),
    delete: () => Promise.reject(new Error("not asked for")),
    owned: async () => [],
  };
  const lead = { isLeader: () => true, onLeading: () => undefined, kubernetes };
  const log = { debug() {}, info: say("info"), warn: say("warn"), error: say("error") };
  controller = runInventoryController({ kubernetes, watchNamespace: undefined, log, lead, nowMs: Date.now }, tokens, {
    statusDelayMs: 1_000,
    isSurplus: () => false,
    onMachine: () => undefined,
    onMachineGone: () => undefined,
    onUnreadable: () => undefined,
    onDuplicate: () => undefined,
    onMachinesWentBack: () => undefined,
  });
  const { queues } = controller;
  return {
    asked,
    said,
    there,
    trouble,
    failing: () => queues().inventories.failing,
    tokenOf: (name: string): unknown => {
      const status = objects.get(name)?.["status"];
      return isJson(status) ? status["clusterRegistrationTokenNamespace"] : undefined;
    },
  };
}

const many = (count: number, clusterOf: (at: number) => string): Readonly<Record<string, string>> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`m${at}`, clusterOf(at)]));

it("are no failing work, and have their token within a minute of the cluster's coming, however late that is", async () => {
  const { failing, there, tokenOf, said } = run({ ...many(20, () => "late"), other: "never" });
  for (let minutes = 0; minutes < 180; minutes += 1) {
    await vi.advanceTimersByTimeAsync(60_000);
    expect(failing()).toBe(0);
  }
  // Not one a machine: nobody reads thousands, and not once only, as who reads a log sees its end.
  const waiting = said.filter(({ sentence }) => sentence === "machines wait for a cluster that is not there");
  const told = waiting.map(({ level, fields }) => ({ level, fields }));
  const late = { level: "info", fields: { cluster: "n/late", machines: 20 } };
  const never = { level: "info", fields: { cluster: "n/never", machines: 1 } };
  expect(told.filter(({ fields }) => JSON.stringify(fields).includes("late"))).toEqual([late, late, late]);
  expect(told.filter(({ fields }) => JSON.stringify(fields).includes("never"))).toEqual([never, never, never]);
  expect(told).toHaveLength(6);
  there.add("late");
  await vi.advanceTimersByTimeAsync(60_000);
  for (let at = 0; at < 20; at += 1) expect(tokenOf(`m${at}`)).toBe("c-m-late");
  expect(tokenOf("other")).toBeUndefined();
});

it("are told of their cluster within minutes also where it comes before its first turn among hundreds, and once", async () => {
  const entries = Array.from({ length: 600 }, (_, at) => inventoryEntry(machine(`m${at}`, `c${at}`))).filter(
    (entry) => entry !== undefined,
  );
  const there = new Set<string>();
  const told: (string | undefined)[] = [];
  const looking = lookForAwaitedClusters(
    { lead: { isLeader: () => true, onLeading: () => undefined, kubernetes: NOBODY }, log: SILENT },
    { managementCluster: async (_, name) => (there.has(name) ? `c-m-${name}` : undefined) },
    { all: () => entries },
    ({ rollout }) => told.push(rollout.clusterName),
  );
  await vi.advanceTimersByTimeAsync(20_000);
  for (const name of ["c0", "c300", "c599"]) there.add(name);
  await vi.advanceTimersByTimeAsync(4 * 60_000);
  expect(new Set(told)).toEqual(new Set(["c0", "c300", "c599"]));
  expect(told).toHaveLength(3);
  // Later it has its turn among the others; what came, went and came again is told again.
  there.add("c598");
  there.delete("c300");
  await vi.advanceTimersByTimeAsync(4 * 60_000);
  expect(told.slice(3)).toEqual(["c598"]);
  there.add("c300");
  await vi.advanceTimersByTimeAsync(8 * 60_000);
  expect(told.slice(4)).toEqual(["c300"]);
  looking.stop();
});

it.each([
  ["one cluster", () => "gone"],
  ["a cluster each", (at: number) => `gone${at}`],
])("cost few requests, however many there are: a thousand, of %s", async (_, clusterOf) => {
  const { asked, failing } = run(many(1_000, clusterOf));
  await vi.advanceTimersByTimeAsync(HOUR_MS);
  const before = { ...asked };
  await vi.advanceTimersByTimeAsync(HOUR_MS);
  const perSecond = (asked.clusters - before.clusters + asked.machines - before.machines) / 3_600;
  expect(perSecond).toBeLessThan(8);
  expect(failing()).toBe(0);
});

it("are failing work where nothing is to be found out about their cluster, until it is", async () => {
  const { failing, there, tokenOf, trouble, said } = run({ m1: "c1" });
  trouble.error = new KubernetesError("KUBERNETES_UNREACHABLE", "nobody is there");
  await vi.advanceTimersByTimeAsync(HOUR_MS / 2);
  expect(failing()).toBe(1);
  expect(said).toContainEqual(expect.objectContaining({ level: "warn", sentence: "inventory not settled" }));
  delete trouble.error;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(failing()).toBe(0);
  there.add("c1");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(tokenOf("m1")).toBe("c-m-c1");
});

it("have their token soon also where the cluster is there before its namespace, which nobody calls a failure", async () => {
  const { failing, there, tokenOf, trouble, said } = run({ m1: "c1" });
  await vi.advanceTimersByTimeAsync(HOUR_MS);
  trouble.making = new InventoryError("CLUSTER_TOKEN_NOT_ASSIGNED", "waiting for the namespace");
  there.add("c1");
  await vi.advanceTimersByTimeAsync(HOUR_MS / 2);
  expect([failing(), tokenOf("m1")]).toEqual([0, undefined]);
  expect(said.filter(({ sentence }) => sentence === "inventory not settled")).toEqual([
    expect.objectContaining({ level: "info", fields: expect.objectContaining({ inventory: "n/m1" }) as unknown }),
  ]);
  delete trouble.making;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(tokenOf("m1")).toBe("c-m-c1");
});
