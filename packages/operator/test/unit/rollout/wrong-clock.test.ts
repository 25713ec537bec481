/** A replica whose clock is days ahead: it goes by the API server's, and gives up nobody who has just spoken. */
import { KubeConfig } from "@kubernetes/client-node";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Kubernetes } from "../../../src/controller/index.ts";
import { NO_REGISTRY_SETTINGS } from "../../../src/registry/index.ts";
import { runRolloutController } from "../../../src/rollout/io/rollout-controller.ts";
import { RolloutIndex } from "../../../src/rollout/rollout-index.ts";
import type { RolloutNews } from "../../../src/rollout/rollout-parts.ts";
import { runRollouts } from "../../../src/rollout/run-rollouts.ts";
import { digestPinned } from "./digest-pinned.ts";
import { plainMachine } from "./plain-machine.ts";
import { quietParts } from "./quiet-parts.ts";
import { VirtualTime } from "./virtual-time.ts";

const NAMESPACE = "fleet-local";
const NOW_MS = Date.parse("2030-01-01T12:00:00Z");
const AHEAD_MS = 3 * 24 * 3_600_000;

beforeEach(() => void vi.useFakeTimers({ now: NOW_MS + AHEAD_MS }));
afterEach(() => void vi.useRealTimers());

const pinned = digestPinned(
  {
    metadata: { name: "os", namespace: NAMESPACE, uid: "i", resourceVersion: "1", generation: 1 },
    spec: { osImage: "r.example.com/os:v2" },
  },
  new RolloutIndex({ chosen: () => new Set(), unclear: () => undefined }),
);
const { plan = "" } = pinned.status ?? {};
const grantedAt = new Date(NOW_MS - 60_000).toISOString();
const slot = { machine: "m", uid: "u", cluster: "local", attempt: 1, plan, grantedAt };
const machine = plainMachine({
  lastSeenMs: NOW_MS,
  upgrade: {
    image: "os",
    plan,
    attempt: 1,
    phase: "Draining",
    heardMs: NOW_MS,
    sinceMs: undefined,
    reason: undefined,
    message: undefined,
  },
});

it.each([
  ["has not failed by the clock of the cluster, however far a replica's own is ahead", -AHEAD_MS, []],
  // So that the test can fail.
  ["has failed where the cluster's is as far on", 0, ["failed UpgradeFailed"]],
])("a machine that spoke a moment ago %s", async (_who, skewMs, expected) => {
  const apiVersion = "rancheros.cattle.io/v1";
  let stored: object = { ...pinned.status, slots: [slot] };
  let image: object = { apiVersion, kind: "ManagedOSImage", ...pinned, status: stored };
  const written: unknown[] = [];
  const kubernetes: Kubernetes = {
    config: new KubeConfig(),
    async send({ method, path, body }) {
      if (method === "PATCH") {
        written.push(body);
        const { status } = body as { readonly status: object };
        stored = { ...stored, ...status };
        const metadata = { ...pinned.metadata, resourceVersion: String(9 + written.length) };
        image = { ...image, metadata, status: stored };
        return image;
      }
      return { items: path.includes("/managedosimages?") ? [image] : [], metadata: { resourceVersion: "7" } };
    },
    open: (_path, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("ended")));
      }),
  };
  const silent = () => undefined;
  const told: RolloutNews[] = [];
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  const lead = { isLeader: () => true, onLeading: silent, kubernetes };
  const notUsed = (): Promise<never> => Promise.reject(new Error("not used"));
  const rollouts = runRolloutController(
    { kubernetes, lead, log, watchNamespace: NAMESPACE, nowMs: () => Date.now() + skewMs },
    {
      machinesSynced: () => true,
      readMachine: async () => machine,
      versions: { find: () => undefined },
      versionsSynced: () => true,
      refreshVersion: notUsed,
      defaultRegistry: { isKnown: () => true, name: () => undefined, refresh: async () => undefined },
      registry: { send: notUsed, nowMs: () => 0 },
      registrySettings: NO_REGISTRY_SETTINGS,
      imagePolicy: { rules: [], warnings: [] },
      verifyKeyless: notUsed,
      tell: (news) => told.push(news),
    },
  );
  rollouts.onDefaultRegistry();
  rollouts.onMachine(machine);
  // A replica that has just started lets it speak for a quarter of an hour.
  await vi.advanceTimersByTimeAsync(17 * 60_000);
  expect(written.length).toBeGreaterThan(0);
  expect(told.filter(({ kind }) => kind !== "state").map(({ kind, reason }) => `${kind} ${reason}`)).toEqual(expected);
  await rollouts.stop();
});

it("who was seen before the start is waited for as long as ever where the clock is put right by the first answer", async () => {
  const time = new VirtualTime();
  let aheadMs = AHEAD_MS;
  const notUsed = (): Promise<never> => Promise.reject(new Error("not used"));
  const run = runRollouts({
    ...quietParts(time),
    store: { read: notUsed, writeStatus: notUsed },
    nowMs: () => time.nowMs + aheadMs,
  });
  aheadMs = 0;
  run.onMachine({ ...machine, rollout: { ...machine.rollout, lastSeenMs: time.nowMs - 60_000 } });
  expect(run.index.aliveCount).toBe(1);
  run.index.expire(time.nowMs + 3_600_000);
  expect(run.index.aliveCount).toBe(0);
  await run.stop();
});
