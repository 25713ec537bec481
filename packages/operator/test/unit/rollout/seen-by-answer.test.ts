/** What a request shows of a machine before the watch does: each image that it is about hears of it. */
import type { ManagedOSImage } from "@rancheros/protocol/resources";
import { expect, it } from "vitest";
import { RolloutIndex } from "../../../src/rollout/rollout-index.ts";
import type { RolloutMachine } from "../../../src/rollout/rollout-machine.ts";
import { runRollouts } from "../../../src/rollout/run-rollouts.ts";
import { digestPinned } from "./digest-pinned.ts";
import { quietParts } from "./quiet-parts.ts";
import { VirtualTime } from "./virtual-time.ts";

const NAMESPACE = "fleet-local";

function image(name: string, creationTimestamp: string): ManagedOSImage {
  const metadata = { name, namespace: NAMESPACE, uid: `uid-${name}`, resourceVersion: "1", generation: 1 };
  const spec = { osImage: "r.example.com/os:v2", nodeSelector: { matchLabels: { ring: name } } };
  const index = new RolloutIndex({ chosen: () => new Set(), unclear: () => undefined });
  return digestPinned({ metadata: { ...metadata, creationTimestamp }, spec }, index);
}

function machine(ring: string, resourceVersion: string): RolloutMachine {
  const rest = { clusterName: undefined, lastSeenMs: undefined, retry: undefined, upgrade: undefined };
  return {
    metadata: { name: "m", namespace: NAMESPACE, uid: "u", resourceVersion },
    approval: "Approved",
    beingDeleted: false,
    rollout: { ...rest, role: "agent", labels: { ring } },
  };
}

it("is counted by the image that has the machine now, although the watch shows nothing new any more", async () => {
  const time = new VirtualTime();
  const images = new Map(
    [image("a", "2029-01-01T00:00:00Z"), image("b", "2029-01-02T00:00:00Z")].map((one) => [one.metadata.name, one]),
  );
  const moved = machine("b", "9");
  const run = runRollouts({
    ...quietParts(time),
    store: {
      read: async (_, name) => images.get(name),
      async writeStatus(object, status) {
        const { name, resourceVersion } = object.metadata;
        const stored = {
          ...object,
          status,
          metadata: { ...object.metadata, resourceVersion: `${Number(resourceVersion) + 1}` },
        };
        images.set(name, stored);
        return stored;
      },
    },
    readMachine: async () => moved,
  });
  run.onMachine(machine("a", "5"));
  for (const one of images.values()) run.onImage(one);
  run.onImagesSynced();
  await time.pass(60_000);
  expect([images.get("a")?.status?.total, images.get("b")?.status?.total]).toEqual([1, 0]);
  void run.ask(machine("a", "5"));
  await time.pass(1_000);
  run.onMachine(moved);
  await time.pass(60_000);
  expect([images.get("a")?.status?.total, images.get("b")?.status?.total]).toEqual([0, 1]);
  await run.stop();
});
