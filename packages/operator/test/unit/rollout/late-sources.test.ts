/** A replica whose watch has not shown what the version says now undoes nothing that another replica has begun with it. */
import type { ManagedOSImage, ManagedOSVersionSpec } from "@rancheros/protocol/resources";
import { afterEach, expect, it } from "vitest";
import { RolloutIndex } from "../../../src/rollout/rollout-index.ts";
import { runRollouts } from "../../../src/rollout/run-rollouts.ts";
import { digestPinned } from "./digest-pinned.ts";
import { quietParts } from "./quiet-parts.ts";
import { VirtualTime } from "./virtual-time.ts";

const NAMESPACE = "fleet-local";
const RESOLVE_MS = 20_000;
const OLD = versionOf("r.example.com/os:v1");
const NEW = versionOf("r.example.com/os:v2");

function versionOf(upgradeImage: string): ManagedOSVersionSpec {
  return { version: "v1.0.0", metadata: { upgradeImage } };
}

const MADE: ManagedOSImage = {
  metadata: { name: "os", namespace: NAMESPACE, uid: "i", resourceVersion: "1", generation: 1 },
  spec: { managedOSVersionName: "v" },
};

let stop: () => Promise<void> = async () => undefined;
afterEach(() => stop());

function scene() {
  const time = new VirtualTime();
  let shown = OLD;
  let stored = OLD;
  let image = MADE;
  const resolved: (string | undefined)[] = [];
  function publish(next: ManagedOSImage): ManagedOSImage {
    const resourceVersion = String(Number(image.metadata.resourceVersion) + 1);
    image = { ...next, metadata: { ...next.metadata, resourceVersion } };
    const now = image;
    time.setTimer(() => run.onImage(now), 20);
    return image;
  }
  const run = runRollouts({
    ...quietParts(time),
    store: {
      read: async () => image,
      async writeStatus(_object, status) {
        resolved.push(status.resolvedImage);
        return publish({ ...image, status });
      },
    },
    versions: { find: () => shown },
    async refreshSources() {
      await time.delay(100);
      if (shown === stored) return;
      shown = stored;
      run.onVersion(NAMESPACE, "v");
    },
    async resolve() {
      await time.delay(RESOLVE_MS);
      return `sha256:${"a".repeat(64)}`;
    },
  });
  stop = () => run.stop();
  run.onImage(image);
  run.onImagesSynced();
  const change = (): void => void (stored = NEW);
  return { time, resolved, publish, change, image: () => image };
}

it("that is the plan of the new version", async () => {
  const { time, resolved, publish, change, image } = scene();
  await time.pass(60_000);
  expect(image().status?.resolvedImage).toBe("r.example.com/os:v1");
  resolved.length = 0;
  change();
  const other = new RolloutIndex({ chosen: () => new Set(), unclear: () => undefined }, { find: () => NEW });
  publish(digestPinned(image(), other));
  const { plan } = image().status ?? {};
  await time.pass(120_000);
  expect(new Set(resolved)).toEqual(new Set(["r.example.com/os:v2"]));
  expect(image().status).toMatchObject({ resolvedImage: "r.example.com/os:v2", plan });
});

it("nor begins with the version from before, which has become another one while the registry was asked", async () => {
  const { time, resolved, change } = scene();
  await time.pass(RESOLVE_MS / 2);
  change();
  await time.pass(120_000);
  expect(resolved).toContain("r.example.com/os:v2");
  expect(resolved).not.toContain("r.example.com/os:v1");
});
