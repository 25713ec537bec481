/** The machine whose turn it is is switched off: how long the others wait for it. */
import type { ManagedOSImage } from "@rancheros/protocol/resources";
import { afterEach, expect, it } from "vitest";
import { RolloutIndex } from "../../../src/rollout/rollout-index.ts";
import type { RolloutMachine } from "../../../src/rollout/rollout-machine.ts";
import { runRollouts } from "../../../src/rollout/run-rollouts.ts";
import { digestPinned } from "./digest-pinned.ts";
import { quietParts } from "./quiet-parts.ts";
import { VirtualTime } from "./virtual-time.ts";

const NAMESPACE = "fleet-local";
/** Of other clusters: that many ask each minute. */
const OTHERS = 6_000;

function machine(name: string): RolloutMachine {
  const rest = { clusterName: undefined, lastSeenMs: undefined, retry: undefined, upgrade: undefined };
  return {
    metadata: { name, namespace: NAMESPACE, uid: name, resourceVersion: "1" },
    approval: "Approved",
    beingDeleted: false,
    rollout: { ...rest, role: "agent", labels: {} },
  };
}

let stop: () => Promise<void> = async () => undefined;
afterEach(() => stop());

it("is a minute and a half, however large the fleet is", async () => {
  const time = new VirtualTime();
  const metadata = { name: "os", namespace: NAMESPACE, uid: "i", resourceVersion: "1", generation: 1 };
  const pinned = digestPinned(
    { metadata, spec: { osImage: "r.example.com/os:v2" } },
    new RolloutIndex({ chosen: () => new Set(), unclear: () => undefined }),
  );
  const { plan = "" } = pinned.status ?? {};
  const grantedAt = new Date(time.nowMs).toISOString();
  const slots = [{ machine: "m0", uid: "m0", cluster: "local", attempt: 1, plan, grantedAt }];
  let image: ManagedOSImage = { ...pinned, status: { ...pinned.status, attempts: 1, slots } };
  const machines = new Map(["m0", "m1", "m2"].map((name) => [name, machine(name)]));
  const run = runRollouts({
    ...quietParts(time),
    store: {
      read: async () => image,
      async writeStatus(object, status) {
        const resourceVersion = String(Number(object.metadata.resourceVersion) + 1);
        image = { ...object, status, metadata: { ...object.metadata, resourceVersion } };
        return image;
      },
    },
    readMachine: async (_, name) => machines.get(name),
  });
  stop = () => run.stop();
  for (const one of machines.values()) run.onMachine(one);
  run.onImage(image);
  run.onImagesSynced();
  for (let count = 0; count < OTHERS; count += 1) run.index.keepAlive(`other-${count}`, time.nowMs + 3_600_000);
  const ask = async (name: string) => {
    const answer = run.ask(machines.get(name) ?? machine(name));
    await time.pass(3_000);
    return answer;
  };
  const keys = ["m1", "m2"].toSorted((a, b) => {
    const key = (name: string) => run.index.machine(name)?.orderKey() ?? "";
    return key(a) < key(b) ? -1 : 1;
  });
  const [first = "", next = ""] = keys;
  expect((await ask(first)).waiting?.reason).toBe("Queued");
  expect((await ask(next)).waiting?.reason).toBe("Queued");
  const done = machines.get("m0") ?? machine("m0");
  const upgrade = { image: "os", plan, attempt: 1, phase: "Succeeded", heardMs: time.nowMs } as const;
  const more = { sinceMs: undefined, reason: undefined, message: undefined };
  const succeeded = {
    ...done,
    metadata: { ...done.metadata, resourceVersion: "2" },
    rollout: { ...done.rollout, upgrade: { ...upgrade, ...more } },
  };
  machines.set("m0", succeeded);
  run.onMachine(succeeded);
  await time.pass(60_000);
  expect((await ask(next)).waiting?.reason).toBe("Queued");
  await time.pass(25_000);
  expect((await ask(next)).plan).toBeDefined();
});
