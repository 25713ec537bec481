/** An inventory that cannot be read, is deleted, and made again by whoever made the first one. */
import { Readable } from "node:stream";
import { KubeConfig } from "@kubernetes/client-node";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Kubernetes } from "../../../src/controller/index.ts";
import { runInventoryController, type InventoryController } from "../../../src/inventory/index.ts";
import { NO_CLUSTER_TOKENS } from "./no-cluster-tokens.ts";

const silent = () => undefined;
const log = { debug: silent, info: silent, warn: silent, error: silent };

let controller: InventoryController;
let watch: Readable | undefined;
let told: string[];
let stored: ReturnType<typeof unreadable>;

function unreadable(uid: string) {
  const metadata = { name: "m", namespace: "n", uid, resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" };
  return { apiVersion: "rancheros.cattle.io/v1", kind: "MachineInventory", metadata, spec: { config: "none" } };
}

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  stored = unreadable("first");
  const kubernetes: Kubernetes = {
    config: new KubeConfig(),
    async send({ path }) {
      if (!path.includes("?")) return stored;
      return { items: path.includes("machineinventories") ? [stored] : [], metadata: { resourceVersion: "7" } };
    },
    async open(path, signal) {
      const opened = new Readable({ read: silent, signal });
      if (path.includes("machineinventories")) watch = opened;
      return opened;
    },
  };
  const lead = { isLeader: () => true, onLeading: silent, kubernetes };
  controller = runInventoryController(
    { kubernetes, watchNamespace: undefined, log, lead, nowMs: Date.now },
    NO_CLUSTER_TOKENS,
    {
      statusDelayMs: 1_000,
      isSurplus: () => false,
      onMachine: silent,
      onMachineGone: silent,
      onUnreadable: ({ uid }) => told.push(uid ?? ""),
      onDuplicate: silent,
      onMachinesWentBack: silent,
    },
  );
});
afterEach(async () => {
  await controller.stop();
  vi.useRealTimers();
});

function show(type: string): void {
  watch?.push(`${JSON.stringify({ type, object: stored })}\n`);
}

it("is told of once, and so is the next one", async () => {
  await vi.advanceTimersByTimeAsync(60_000);
  show("MODIFIED");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(told).toEqual(["first"]);
  show("DELETED");
  await vi.advanceTimersByTimeAsync(1_000);
  stored = unreadable("second");
  show("ADDED");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(told).toEqual(["first", "second"]);
});
