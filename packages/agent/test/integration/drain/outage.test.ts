/** The API server goes away in the middle of a drain, and hangs, and comes back. */
import { DEFAULT_DRAIN_OPTIONS, drainNode, type DrainEvent } from "@rancheros/agent/drain";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startControlPlane, type ControlPlane } from "../../../../../test/control-plane/control-plane.ts";
import { makeTestNode, type TestNode } from "../../../../../test/kubelets/test-node.ts";

const AWAY_MS = 3_000;

let folder: string;
let controlPlane: ControlPlane;
let node: TestNode;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "drain-outage-"));
  controlPlane = await startControlPlane({ folder });
  node = await makeTestNode(controlPlane);
});
afterAll(async () => {
  await node?.close();
  await controlPlane?.stop();
  rmSync(folder, { recursive: true });
});

const TIMEOUT_MS = 40_000;

/** Begins a drain, and waits until it says the first thing of this kind. */
async function drainUntil(kind: DrainEvent["kind"], timeoutMs: number) {
  const events: DrainEvent[] = [];
  const reached = Promise.withResolvers<void>();
  const work = drainNode(node.client, {
    nodeName: node.name,
    options: { ...DEFAULT_DRAIN_OPTIONS, timeoutMs },
    signal: new AbortController().signal,
    onEvent: (event) => {
      events.push(event);
      if (event.kind === kind) reached.resolve();
    },
  });
  await Promise.race([reached.promise, work]);
  return { events, work };
}

it("a drain goes on where it was when the API server comes back", async () => {
  await node.addPod("default", "one");
  await node.addPod("default", "held", { labels: { app: "held" } });
  await node.addBudget("default", "pdb", "held", 0);
  const { events, work } = await drainUntil("blocked", TIMEOUT_MS);
  // The other eviction may still be on its way, and would then rightly be tried again.
  await expect.poll(() => events.some(({ kind }) => kind === "waiting"), { timeout: 10_000 }).toBe(true);
  await controlPlane.killApiServer();
  await sleep(AWAY_MS);
  await controlPlane.startApiServer();
  await node.allow("default", "pdb", 1);
  node.startKubelet();
  const report = await work;
  expect(report.removed.map(({ name }) => name).sort()).toEqual(["held", "one"]);
  expect(events.some(({ kind }) => kind === "retry")).toBe(true);
  expect(events.filter((event) => event.kind === "evicting" && event.pod.name === "one")).toHaveLength(1);
  expect(await node.pods()).toEqual([]);
});

it("a drain keeps to its time when the API server hangs", async () => {
  await node.addPod("default", "two", { finalizers: ["example.com/stuck"] });
  const { work } = await drainUntil("waiting", 4_000);
  await controlPlane.pauseApiServer();
  const startedMs = performance.now();
  const error = await work.catch((reason: unknown) => reason);
  controlPlane.resumeApiServer();
  expect(error).toMatchObject({ code: "DRAIN_TIMED_OUT" });
  // Well before any request's own deadline.
  expect(performance.now() - startedMs).toBeLessThan(12_000);
});
