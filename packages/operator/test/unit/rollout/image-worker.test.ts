import type { ManagedOSImage, ManagedOSImageStatus } from "@rancheros/protocol/resources";
import { describe, expect, it } from "vitest";
import { ImageWorker } from "../../../src/rollout/image-worker.ts";
import { RolloutIndex } from "../../../src/rollout/rollout-index.ts";
import type { RolloutParts } from "../../../src/rollout/rollout-parts.ts";
import { VirtualTime } from "./virtual-time.ts";

const WRITE_MS = 5_000;

function scene() {
  const time = new VirtualTime();
  const written: ManagedOSImageStatus[] = [];
  let image: ManagedOSImage = {
    metadata: { name: "os", namespace: "fleet-local", uid: "u", resourceVersion: "1", generation: 1 },
    spec: { osImage: "registry:5000/os:v1" },
  };
  const unused = () => Promise.reject(new Error("not used"));
  const silent = () => undefined;
  const index = new RolloutIndex({ chosen: () => new Set() });
  const parts: RolloutParts = {
    store: {
      read: () => Promise.resolve(image),
      async writeStatus(object, status) {
        await time.delay(WRITE_MS);
        written.push(status);
        const resourceVersion = String(written.length + 1);
        image = { ...object, status, metadata: { ...object.metadata, resourceVersion } };
        return image;
      },
    },
    fleet: { chosen: () => new Set() },
    fleetSynced: () => true,
    versions: { find: () => undefined },
    versionsSynced: () => true,
    machinesSynced: () => true,
    readMachine: unused,
    resolve: unused,
    materials: unused,
    lagMs: () => 0,
    tell: silent,
    log: { debug: silent, info: silent, warn: silent, error: silent },
    nowMs: () => time.nowMs,
    random: () => 0.5,
    setTimer: (run, delayMs) => time.setTimer(run, delayMs),
  };
  index.putImage(image);
  const resolved = () => written.at(-1)?.conditions?.find(({ type }) => type === "Resolved");
  return { time, written, resolved, worker: new ImageWorker("fleet-local/os", index, parts, () => true) };
}

describe("what is found out while a status is being written", () => {
  it("is written by the next write, and does not get lost", async () => {
    const { time, written, resolved, worker } = scene();
    worker.report({ reason: "FIRST", message: "one" });
    time.setTimer(() => worker.report({ reason: "SECOND", message: "two" }), WRITE_MS / 2);
    await time.pass(60_000);
    expect(resolved()).toMatchObject({ status: "False", reason: "SECOND", message: "two" });
    expect(written).toHaveLength(2);
  });
});
