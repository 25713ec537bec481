/** Statuses that the API server does not take, or that are held back: when they are written, and that they hold up no other. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { KubeConfig } from "@kubernetes/client-node";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { KubernetesError, type Kubernetes } from "../../../src/controller/index.ts";
import { runInventoryController, type InventoryController } from "../../../src/inventory/index.ts";
import { NO_CLUSTER_TOKENS } from "./no-cluster-tokens.ts";

let warnings: number;
const LOG = { debug() {}, info() {}, warn: () => void (warnings += 1), error() {} };

let controller: InventoryController | undefined;

beforeEach(() => {
  vi.useFakeTimers();
  warnings = 0;
});
afterEach(async () => {
  await controller?.stop();
  vi.useRealTimers();
});

const CREATED = "2026-01-01T00:00:00Z";

function machine(name: string) {
  return {
    apiVersion: "rancheros.cattle.io/v1",
    kind: "MachineInventory",
    metadata: { name, namespace: "n", uid: `u-${name}`, resourceVersion: "1", creationTimestamp: CREATED },
    spec: { tpm: createHash("sha256").update(name).digest("hex"), approval: "Approved" },
  };
}

function refusal(httpStatus: number): KubernetesError {
  return new KubernetesError("KUBERNETES_REFUSED", "not allowed", { details: { httpStatus } });
}

/** @param refused  how a write of this machine's status ends, the first, the second and so on; undefined: it is taken */
function run(
  names: readonly string[],
  refused: (name: string, count: number) => KubernetesError | undefined,
  isSurplus: (name: string) => boolean = () => false,
) {
  const written: string[] = [];
  const asked = new Map<string, number>();
  const kubernetes: Kubernetes = {
    config: new KubeConfig(),
    async send({ method, path }) {
      const [, name] = /machineinventories\/([^/?]+)/.exec(path) ?? [];
      if (name === undefined) {
        const items = path.includes("machineinventories") ? names.map(machine) : [];
        return { items, metadata: { resourceVersion: "7" } };
      }
      if (method === "GET") return machine(name);
      const count = (asked.get(name) ?? 0) + 1;
      asked.set(name, count);
      const error = refused(name, count);
      if (error !== undefined) throw error;
      written.push(name);
      return undefined;
    },
    open: async (_path, signal) => new Readable({ read: () => undefined, signal }),
  };
  const lead = { isLeader: () => true, onLeading: () => undefined, kubernetes };
  controller = runInventoryController(
    { kubernetes, watchNamespace: undefined, log: LOG, lead, nowMs: Date.now },
    NO_CLUSTER_TOKENS,
    {
      statusDelayMs: 1_000,
      isSurplus: ({ metadata }) => isSurplus(metadata.name),
      onMachine: () => undefined,
      onMachineGone: () => undefined,
      onUnreadable: () => undefined,
      onDuplicate: () => undefined,
      onMachinesWentBack: () => undefined,
    },
  );
  return { written, asked };
}

it.each([401, 403])("are written soon where the API server answered %i for a moment", async (httpStatus) => {
  const { written, asked } = run(["m1"], (_, count) => (count === 1 ? refusal(httpStatus) : undefined));
  await vi.advanceTimersByTimeAsync(10_000);
  expect([written, asked.get("m1")]).toEqual([["m1"], 2]);
});

it.each([400, 422])("are not tried again where it answered %i, as nothing would be different", async (httpStatus) => {
  const { asked } = run(["m1"], () => refusal(httpStatus));
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(asked.get("m1")).toBe(1);
});

it("are tried seldom where that lasts, and all others are written meanwhile", async () => {
  const denied = Array.from({ length: 30 }, (_, at) => `denied${at}`);
  const { written, asked } = run([...denied, "good"], (name) => (name === "good" ? undefined : refusal(403)));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(written).toEqual(["good"]);
  // Of the thousands that there may be, one speaks for its namespace.
  expect(warnings).toBe(1);
  await vi.advanceTimersByTimeAsync(3_600_000);
  const counts = denied.map((name) => asked.get(name) ?? 0);
  expect(Math.min(...counts)).toBeGreaterThan(8);
  expect(Math.max(...counts)).toBeLessThan(25);
});

it("of surplus machines are held back for ten minutes, in which their maker may take them away, and then written", async () => {
  vi.setSystemTime(Date.parse(CREATED));
  const { written } = run(
    ["surplus", "good"],
    () => undefined,
    (name) => name === "surplus",
  );
  await vi.advanceTimersByTimeAsync(590_000);
  expect(written).toEqual(["good"]);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(written).toEqual(["good", "surplus"]);
});

it("of machines that are surplus no more are written soon", async () => {
  vi.setSystemTime(Date.parse(CREATED));
  let isFull = true;
  const { written } = run(
    ["m1"],
    () => undefined,
    () => isFull,
  );
  await vi.advanceTimersByTimeAsync(60_000);
  expect(written).toEqual([]);
  isFull = false;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(written).toEqual(["m1"]);
});

it("of surplus machines that are old are written as any other's", async () => {
  vi.setSystemTime(Date.parse(CREATED) + 700_000);
  const { written } = run(
    ["m1"],
    () => undefined,
    () => true,
  );
  await vi.advanceTimersByTimeAsync(2_000);
  expect(written).toEqual(["m1"]);
});
