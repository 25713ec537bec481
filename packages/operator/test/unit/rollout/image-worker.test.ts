import type { ManagedOSImage, ManagedOSImageStatus } from "@rancheros/protocol/resources";
import { describe, expect, it } from "vitest";
import { ALWAYS_HEARD } from "../../../src/rollout/hearing.ts";
import { ImageWorker } from "../../../src/rollout/image-worker.ts";
import { RolloutIndex } from "../../../src/rollout/rollout-index.ts";
import type { RolloutMachine } from "../../../src/rollout/rollout-machine.ts";
import type { RolloutParts } from "../../../src/rollout/rollout-parts.ts";
import { digestPinned } from "./digest-pinned.ts";
import { quietParts } from "./quiet-parts.ts";
import { VirtualTime } from "./virtual-time.ts";

const WRITE_MS = 5_000;

function scene(osImage = "registry:5000/os:v1", aheadMs = () => 0) {
  const time = new VirtualTime();
  let registry = "one:5000";
  const written: ManagedOSImageStatus[] = [];
  let image: ManagedOSImage = {
    metadata: { name: "os", namespace: "fleet-local", uid: "u", resourceVersion: "1", generation: 1 },
    spec: { osImage },
  };
  const unused = () => Promise.reject(new Error("not used"));
  const index = new RolloutIndex({ chosen: () => new Set(), unclear: () => undefined }, undefined, () => registry);
  const parts: RolloutParts = {
    ...quietParts(time),
    nowMs: () => time.nowMs + aheadMs(),
    store: {
      read: () => Promise.resolve(image),
      async writeStatus(object, status) {
        await time.delay(WRITE_MS);
        written.push(status);
        const resourceVersion = String(Number(object.metadata.resourceVersion) + 1);
        image = { ...object, status, metadata: { ...object.metadata, resourceVersion } };
        return image;
      },
    },
    readMachine: unused,
  };
  index.putImage(image);
  const resolved = () => written.at(-1)?.conditions?.find(({ type }) => type === "Resolved");
  function changeSpec(osImage: string): void {
    const { metadata } = image;
    const resourceVersion = String(Number(metadata.resourceVersion) + 100);
    image = { ...image, spec: { osImage }, metadata: { ...metadata, resourceVersion, generation: 2 } };
    index.putImage(image);
  }
  function changeRegistry(next: string): void {
    registry = next;
    index.putImage(image);
  }
  return {
    time,
    index,
    written,
    resolved,
    changeSpec,
    changeRegistry,
    worker: workerOf(index, parts, time),
  };
}

function workerOf(index: RolloutIndex, parts: RolloutParts, time: VirtualTime): ImageWorker {
  const hearing = () => ({ ...ALWAYS_HEARD, sinceMs: time.nowMs });
  return new ImageWorker(
    "fleet-local/os",
    index,
    { ...parts, hearing },
    () => "ready",
    () => undefined,
  );
}

function slowScene(time: VirtualTime, requestMs: number) {
  const index = new RolloutIndex({ chosen: () => new Set(), unclear: () => undefined });
  const metadata = { name: "os", namespace: "fleet-local", uid: "u", resourceVersion: "1", generation: 1 };
  let image = digestPinned({ metadata, spec: { osImage: "registry:5000/os:v1", concurrency: 1_000 } }, index);
  index.putImage(image);
  const machines = Array.from({ length: 200 }, (_, at): RolloutMachine => machineOf(at));
  for (const machine of machines) index.putMachine(machine);
  const parts: RolloutParts = {
    ...quietParts(time),
    store: {
      read: async () => image,
      async writeStatus(object, status) {
        await time.delay(requestMs);
        const resourceVersion = String(Number(image.metadata.resourceVersion) + 1);
        image = { ...object, status, metadata: { ...object.metadata, resourceVersion } };
        return image;
      },
    },
    async readMachine(_, name) {
      await time.delay(requestMs);
      return machines.find(({ metadata: { name: one } }) => one === name);
    },
  };
  return {
    index,
    worker: workerOf(index, parts, time),
  };
}

function machineOf(at: number): RolloutMachine {
  const rest = { clusterName: undefined, lastSeenMs: undefined, retry: undefined, upgrade: undefined };
  return {
    metadata: { name: `m${at}`, namespace: "fleet-local", uid: `u${at}`, resourceVersion: "1" },
    approval: "Approved",
    beingDeleted: false,
    rollout: { ...rest, role: "agent", labels: {} },
  };
}

describe("machines that ask while the API server takes three seconds for everything", () => {
  it("are answered a few at a time, and none waits for all others", async () => {
    const time = new VirtualTime();
    const { index, worker } = slowScene(time, 3_000);
    const answers: number[] = [];
    const asked = Array.from({ length: 200 }, (_, at) => worker.ask(`u${at}`).then(() => answers.push(time.nowMs)));
    const startedMs = time.nowMs;
    await time.pass(600_000);
    await Promise.all(asked);
    expect(index.image("fleet-local/os")?.slots.size).toBe(200);
    expect(Math.min(...answers) - startedMs).toBeLessThan(30_000);
    const gaps = answers.slice(1).map((atMs, at) => atMs - (answers[at] ?? 0));
    expect(Math.max(...gaps)).toBeLessThan(30_000);
  });
});

describe("where the cluster's clock is put right while the worker waits", () => {
  it.each([2, -2])("what is to be written soon is not late, whichever way it is put: %d h", async (hours) => {
    let aheadMs = 0;
    const { time, written, index, worker } = scene("registry:5000/os:v1", () => aheadMs);
    const image = index.image("fleet-local/os");
    if (image === undefined) throw new Error("the image is known");
    // Somebody is on its way: what has time is written with its grant.
    image.front = 1;
    worker.touch(image);
    aheadMs = hours * 3_600_000;
    worker.wakeSoon();
    await time.pass(WRITE_MS + 1_000);
    expect(written).toHaveLength(1);
  });
});

describe("what is found out while a status is being written", () => {
  it("is written by the next write, and does not get lost", async () => {
    const { time, written, resolved, worker } = scene();
    worker.report({ reason: "FIRST", message: "one" });
    time.setTimer(() => worker.report({ reason: "SECOND", message: "two" }), WRITE_MS / 2);
    await time.pass(60_000);
    expect(resolved()).toMatchObject({ status: "False", reason: "SECOND", message: "two" });
    expect(written).toHaveLength(2);
  });

  it("is not written of a spec that is another one by then", async () => {
    const { time, written, resolved, changeSpec, worker } = scene();
    worker.report({ reason: "FIRST", message: "of the first spec" });
    changeSpec("registry:5000/os:v2");
    await time.pass(60_000);
    expect(written.length).toBeGreaterThan(0);
    expect(resolved()).toMatchObject({ status: "Unknown", observedGeneration: 2 });
  });

  it("is not written of an image of another registry than it was about, though its spec be the same", async () => {
    const { time, written, resolved, changeRegistry, worker } = scene("os:v1");
    worker.report({ reason: "FIRST", message: "of the first registry" });
    changeRegistry("two:5000");
    await time.pass(60_000);
    expect(written.length).toBeGreaterThan(0);
    expect(resolved()).toMatchObject({ status: "Unknown", reason: "Resolving" });
  });
});
