/** Two MachineInventories with one endorsement key: which is the machine's, and what becomes of the other one. */
import { Readable } from "node:stream";
import { KubeConfig } from "@kubernetes/client-node";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Kubernetes } from "../../../src/controller/index.ts";
import { runInventoryController, type InventoryController } from "../../../src/inventory/index.ts";
import { NO_CLUSTER_TOKENS } from "./no-cluster-tokens.ts";
import { isJson, merged, type Json } from "./stored-inventory.ts";

const LOG = { debug() {}, info() {}, warn() {}, error() {} };
const EK = "ab".repeat(32);

const running: InventoryController[] = [];

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
  vi.useRealTimers();
});

interface Stored {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly creationTimestamp: string;
  };
  readonly spec: Json;
  readonly status?: unknown;
}

/** Inventories, merge patches of their status, and one watch; no validation, no rights. */
class Objects {
  readonly stored = new Map<string, Stored>();
  readonly #watches: Readable[] = [];
  #version = 10;

  make(namespace: string, name: string, day: number, tpm = EK): void {
    const metadata = {
      name,
      namespace,
      uid: `u-${name}`,
      resourceVersion: "",
      creationTimestamp: `2026-01-0${day}T00:00:00Z`,
    };
    this.#put("ADDED", { metadata, spec: { tpm } });
  }

  edit(key: string, spec: Json): void {
    const found = this.stored.get(key);
    if (found !== undefined) this.#put("MODIFIED", { ...found, spec });
  }

  remove(key: string): void {
    const found = this.stored.get(key);
    this.stored.delete(key);
    if (found !== undefined) this.#push("DELETED", found);
  }

  condition(key: string): unknown {
    const status = this.stored.get(key)?.status;
    const conditions = isJson(status) && Array.isArray(status["conditions"]) ? status["conditions"] : [];
    return conditions.find((one: unknown) => isJson(one) && one["type"] === "Duplicate");
  }

  #put(type: string, object: Stored): void {
    this.#version += 1;
    const next = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
    this.stored.set(`${object.metadata.namespace}/${object.metadata.name}`, next);
    this.#push(type, next);
  }

  #push(type: string, object: Stored): void {
    const line = `${JSON.stringify({ type, object: { apiVersion: "rancheros.cattle.io/v1", ...object } })}\n`;
    for (const watch of this.#watches) watch.push(line);
  }

  readonly kubernetes: Kubernetes = {
    config: new KubeConfig(),
    send: async ({ method, path, body }) => {
      const [, namespace, name] = /namespaces\/([^/]+)\/machineinventories\/([^/?]+)/.exec(path) ?? [];
      if (name === undefined) {
        const items = path.includes("machineinventories") ? [...this.stored.values()] : [];
        return { items, metadata: { resourceVersion: String(this.#version) } };
      }
      const found = this.stored.get(`${namespace}/${name}`);
      if (method === "PATCH" && found !== undefined && isJson(body)) {
        this.#put("MODIFIED", { ...found, status: merged(found.status, body["status"]) });
      }
      return found;
    },
    open: async (path, signal) => {
      const watch = new Readable({ read: () => undefined, signal });
      if (path.includes("machineinventories")) this.#watches.push(watch);
      return watch;
    },
  };
}

function run(objects: Objects, leads = true) {
  const rollout = new Set<string>();
  const told: string[] = [];
  const { kubernetes } = objects;
  const lead = { isLeader: () => leads, onLeading: () => undefined, kubernetes };
  const controller = runInventoryController(
    { kubernetes, watchNamespace: undefined, log: LOG, lead, nowMs: Date.now },
    NO_CLUSTER_TOKENS,
    {
      statusDelayMs: 1_000,
      isSurplus: () => false,
      onMachine: ({ metadata }) => rollout.add(metadata.name),
      onMachineGone: ({ metadata }) => rollout.delete(metadata.name),
      onUnreadable: () => undefined,
      onDuplicate: ({ name }, sentence) => told.push(`${name}: ${sentence}`),
      onMachinesWentBack: () => undefined,
    },
  );
  running.push(controller);
  return { rollout, told, controller };
}

async function pass(): Promise<void> {
  await vi.advanceTimersByTimeAsync(20_000);
}

it.each([
  ["the later one is listed first", ["b", "a"]],
  ["the earlier one is listed first", ["a", "b"]],
])("of which the one made first is the machine's: %s", async (_, order) => {
  const objects = new Objects();
  for (const name of order) objects.make(`n-${name}`, name, name === "a" ? 1 : 2);
  objects.make("n", "another", 3, "cd".repeat(32));
  const { rollout, told } = run(objects);
  await pass();
  expect(objects.condition("n-b/b")).toMatchObject({
    status: "True",
    reason: "MadeLater",
    message: expect.stringContaining("MachineInventory n-a/a") as string,
  });
  expect([objects.condition("n-a/a"), objects.condition("n/another")]).toEqual([undefined, undefined]);
  expect([...rollout].toSorted()).toEqual(["a", "another"]);
  expect(told).toEqual([expect.stringMatching(/^b: .*n-a\/a/)]);
});

it("of which the second one counts again when the first one is deleted, or is another machine's", async () => {
  const objects = new Objects();
  for (const [day, name] of ["a", "b", "c"].entries()) objects.make("n", name, day + 1);
  const { rollout, told } = run(objects);
  await pass();
  expect([...rollout]).toEqual(["a"]);
  objects.remove("n/a");
  await pass();
  expect([...rollout]).toEqual(["b"]);
  expect(objects.condition("n/b")).toMatchObject({ status: "False" });
  expect(objects.condition("n/c")).toMatchObject({
    status: "True",
    message: expect.stringContaining("MachineInventory n/b") as string,
  });
  objects.edit("n/b", { tpm: "ef".repeat(32) });
  await pass();
  expect([...rollout].toSorted()).toEqual(["b", "c"]);
  expect([objects.condition("n/b"), objects.condition("n/c")]).toMatchObject([
    { status: "False" },
    { status: "False" },
  ]);
  expect(told).toHaveLength(3);
});

it("that come while the operator runs are told once, also to two operators and after many changes", async () => {
  const objects = new Objects();
  objects.make("n", "a", 1);
  const one = run(objects);
  const other = run(objects, false);
  await pass();
  objects.make("n", "b", 2);
  await pass();
  for (const role of ["server", "agent"]) {
    objects.edit("n/b", { tpm: EK, config: { role } });
    await pass();
  }
  expect([...one.told, ...other.told]).toHaveLength(1);
  expect([[...one.rollout], [...other.rollout]]).toEqual([["a"], ["a"]]);
});
