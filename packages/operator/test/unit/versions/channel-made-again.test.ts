/** A channel that is deleted and made again is another one: what is wrong with it is told at it, too. */
import { Readable } from "node:stream";
import { KubeConfig } from "@kubernetes/client-node";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Kubernetes } from "../../../src/controller/index.ts";
import { createRegistryClient, NO_REGISTRY_SETTINGS } from "../../../src/registry/index.ts";
import { runChannelController, type ChannelController } from "../../../src/versions/index.ts";
import { channelOf } from "./channel-of.ts";

const silent = () => undefined;
const log = { debug: silent, info: silent, warn: silent, error: silent };
const registry = createRegistryClient({ caPem: undefined, environment: {} });

let controller: ChannelController;
let watch: Readable | undefined;
let told: string[];

/** Nobody reads it here: channels of type custom are off. */
const made = (uid: string) =>
  channelOf({ type: "custom", options: { image: "r.example.com/list:v1" } }, { metadata: { uid } });

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  const kubernetes: Kubernetes = {
    config: new KubeConfig(),
    send: async ({ path }) =>
      path.includes("?") ? { items: [made("first")], metadata: { resourceVersion: "7" } } : undefined,
    async open(_path, signal) {
      watch = new Readable({ read: silent, signal });
      return watch;
    },
  };
  const lead = { isLeader: () => true, onLeading: silent, kubernetes };
  controller = runChannelController(
    { kubernetes, lead, log, watchNamespace: undefined, nowMs: Date.now },
    {
      registry,
      registrySettings: NO_REGISTRY_SETTINGS,
      caPem: undefined,
      podImage: undefined,
      tell: ({ channel, reason }) => told.push(`${channel.uid} ${reason}`),
      count: silent,
    },
  );
});
afterEach(async () => {
  await controller.stop();
  await registry.close();
  vi.useRealTimers();
});

function show(type: string, uid: string): void {
  watch?.push(`${JSON.stringify({ type, object: { apiVersion: "rancheros.cattle.io/v1", ...made(uid) } })}\n`);
}

it("and it is told once of each", async () => {
  await vi.advanceTimersByTimeAsync(600_000);
  expect(told).toEqual(["first CHANNEL_INVALID"]);
  show("DELETED", "first");
  await vi.advanceTimersByTimeAsync(1_000);
  show("ADDED", "second");
  await vi.advanceTimersByTimeAsync(600_000);
  expect(told).toEqual(["first CHANNEL_INVALID", "second CHANNEL_INVALID"]);
});
