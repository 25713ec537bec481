/** A registration of which the API server takes no status, as Kubernetes 1.29 of one stored before a rule that it breaks. */
import { Readable } from "node:stream";
import { KubeConfig } from "@kubernetes/client-node";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { KubernetesError, type Kubernetes } from "../../../src/controller/index.ts";
import {
  RefusalCounter,
  runRegistrationController,
  type RegistrationController,
} from "../../../src/registration/index.ts";
import { isJson, merged, type Json } from "../inventory/stored-inventory.ts";

const HOUR_MS = 3_600_000;
const INVALID = "spec.machineInventoryLabels: Invalid value: every key must be a Kubernetes label key";

let controller: RegistrationController | undefined;

beforeEach(() => void vi.useFakeTimers());
afterEach(async () => {
  await controller?.stop();
  vi.useRealTimers();
});

function run(httpStatus: number) {
  let version = 1;
  let object: Json = {
    apiVersion: "rancheros.cattle.io/v1",
    kind: "MachineRegistration",
    metadata: { name: "door", namespace: "n", uid: "u", resourceVersion: "1" },
    spec: { machineInventoryLabels: { "example..com/rack": "r1" } },
  };
  const world = { isRefused: true, writes: 0 };
  const said: string[] = [];
  const watch = new Readable({ read: () => undefined });
  const kubernetes: Kubernetes = {
    config: new KubeConfig(),
    async send({ method, path, body }) {
      const isOfSecrets = path.includes("/secrets");
      if (method === "GET") return { items: isOfSecrets ? [] : [object], metadata: { resourceVersion: "7" } };
      if (isOfSecrets) return isJson(body) ? merged(body, { metadata: { uid: "s", resourceVersion: "1" } }) : body;
      world.writes += 1;
      if (world.isRefused) throw new KubernetesError("KUBERNETES_REFUSED", INVALID, { details: { httpStatus } });
      change(body);
      return object;
    },
    open: async (path) => (path.includes("/secrets") ? new Readable({ read: () => undefined }) : watch),
  };
  /** The watch shows it. */
  function change(patch: unknown): void {
    version += 1;
    const next = merged(merged(object, patch), { metadata: { resourceVersion: String(version) } });
    if (isJson(next)) object = next;
    watch.push(`${JSON.stringify({ type: "MODIFIED", object })}\n`);
  }
  const warn = (sentence: string): void => void said.push(sentence);
  controller = runRegistrationController(
    {
      kubernetes,
      watchNamespace: undefined,
      log: { debug() {}, info() {}, warn, error: warn },
      lead: { isLeader: () => true, onLeading: () => undefined, kubernetes },
      nowMs: Date.now,
    },
    {
      serverUrl: () => "https://operator.example.com",
      random: (bytes) => new Uint8Array(bytes),
      tokenInStatus: false,
      countsOf: () => ({ machines: 1, pending: 0 }),
      isFull: () => false,
      refusals: new RefusalCounter(),
      trustAnchors: async () => ({ trustAnchors: null, isProvable: true }),
    },
  );
  const { queue } = controller;
  return { world, said, change, failing: () => queue().failing, status: () => object["status"] };
}

it("is asked for it again every ten minutes, and says so once an hour, and counts as failing work", async () => {
  const { world, said, failing } = run(422);
  await vi.advanceTimersByTimeAsync(HOUR_MS);
  // The status, and its counters.
  expect(world.writes).toBeGreaterThanOrEqual(2 * 5);
  expect(world.writes).toBeLessThanOrEqual(2 * 9);
  expect(said.filter((sentence) => sentence === "registration status not written").length).toBeLessThanOrEqual(2);
  expect(said.length).toBeLessThanOrEqual(4);
  expect(failing()).toBe(1);
});

it("has it soon after somebody has mended the object", async () => {
  const { world, change, failing, status } = run(422);
  await vi.advanceTimersByTimeAsync(HOUR_MS);
  world.isRefused = false;
  change({ spec: { machineInventoryLabels: null } });
  await vi.advanceTimersByTimeAsync(30_000);
  expect(status()).toMatchObject({ conditions: [{ type: "Ready", status: "True" }] });
  expect(failing()).toBe(0);
});

it("has it within a minute where only a right was missing, which may be so for a moment", async () => {
  const { world, said, failing } = run(403);
  await vi.advanceTimersByTimeAsync(HOUR_MS);
  expect(said.length).toBeLessThanOrEqual(4);
  world.isRefused = false;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(failing()).toBe(0);
});
