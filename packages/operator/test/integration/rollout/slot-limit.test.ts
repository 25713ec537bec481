/** That the largest status that a rollout may come to is one that a real API server stores. */
import { randomUUID } from "node:crypto";
import { expect, inject, it } from "vitest";
import { applyObjects } from "../../../../../test/control-plane/apply-objects.ts";
import { useNamespace } from "../../../../../test/control-plane/namespace.ts";
import { connectKubernetes, loadKubeConfig } from "../../../src/controller/index.ts";
import { imageStore } from "../../../src/rollout/io/image-store.ts";
import { SLOTS_MAX, type Failure, type Slot } from "../../../src/rollout/slot.ts";
import { FAILURE_MESSAGE_MAX } from "../../../src/rollout/slot-fate.ts";
import { FAILURES_LISTED_MAX } from "../../../src/rollout/tally.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "slot-limit");
const store = imageStore(connectKubernetes(loadKubeConfig(target.kubeconfigPath)));

/** As long as a host's name may be, and a cluster's. */
const NAME = "n".repeat(63);
const TIME = "2030-01-01T12:00:00Z";

function slot(attempt: number): Slot {
  const about = { machine: NAME, uid: randomUUID(), cluster: NAME, attempt, plan: "ab".repeat(32), grantedAt: TIME };
  return { ...about, overdueAt: TIME, isServer: true, isRetry: true, retry: TIME };
}

function failure(attempt: number): Failure {
  const about = { machine: NAME, uid: randomUUID(), attempt, time: TIME, reason: "ROLLOUT_NODE_TIMEOUT", retry: TIME };
  return { ...about, message: "m".repeat(FAILURE_MESSAGE_MAX) };
}

it("stores as many slots and failures as there may be, and another status after that", async () => {
  const metadata = { name: "os", namespace };
  const spec = { osImage: "registry.example.com/os:v1" };
  await applyObjects(target, { apiVersion: "rancheros.cattle.io/v1", kind: "ManagedOSImage", metadata, spec });
  const made = await store.read(namespace, "os");
  if (made === undefined) throw new Error("it was made");
  const slots = Array.from({ length: SLOTS_MAX }, (_, at) => slot(at + 1));
  const failures = Array.from({ length: FAILURES_LISTED_MAX }, (_, at) => failure(at + 1));
  const full = await store.writeStatus(made, { slots, failures, attempts: SLOTS_MAX });
  expect(full.status?.slots).toHaveLength(SLOTS_MAX);
  const next = await store.writeStatus(full, { ...full.status, slots: [...slots.slice(1), slot(SLOTS_MAX + 1)] });
  expect(next.status?.slots?.at(-1)?.attempt).toBe(SLOTS_MAX + 1);
});
