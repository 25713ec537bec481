/** Drains on the real API server; the test does the kubelet's part. */
import { drainNode, uncordonNode, DEFAULT_DRAIN_OPTIONS, type DrainEvent } from "@rancheros/agent/drain";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { useNamespace } from "../../../../../test/control-plane/namespace.ts";
import { makeTestNode, type TestNode } from "./test-node.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "drain");

let node: TestNode;
beforeEach(async () => {
  node = await makeTestNode(target);
});
afterEach(() => node.close());

const NEVER = new AbortController().signal;

describe("a drain", () => {
  it("evicts what the filters let go, waits until it is gone, and leaves the node cordoned", async () => {
    await node.addPod(namespace, "one");
    await node.addPod(namespace, "two");
    await node.addPod(namespace, "done", { phase: "Succeeded", controller: "none" });
    await node.addPod(namespace, "mirror", { annotations: { "kubernetes.io/config.mirror": "x" }, controller: "none" });
    node.startKubelet();
    const events: DrainEvent[] = [];
    const report = await drainNode(node.client, {
      nodeName: node.name,
      options: DEFAULT_DRAIN_OPTIONS,
      signal: NEVER,
      onEvent: (event) => events.push(event),
    });
    expect(await node.pods()).toEqual(["mirror"]);
    expect(await node.isCordoned()).toBe(true);
    expect(report.cordoned).toBe(true);
    expect(report.removed.map(({ name }) => name).sort()).toEqual(["done", "one", "two"]);
    expect(report.left.map(({ name }) => name)).toEqual(["mirror"]);
    expect(events.map(({ kind }) => kind).sort()).toEqual([
      "cordon",
      "drained",
      "evicting",
      "evicting",
      "evicting",
      "gone",
      "gone",
      "gone",
      "waiting",
      "waiting",
      "waiting",
    ]);
    expect(await uncordonNode(node.client, node.name, { signal: NEVER })).toEqual({ changed: true });
    expect(await node.isCordoned()).toBe(false);
  });

  it("names the PodDisruptionBudget that holds a pod, and goes on when it lets go", async () => {
    await node.addPod(namespace, "held", { labels: { app: "held" } });
    await node.addBudget(namespace, "keep-it", "held", 0);
    node.startKubelet();
    const events: DrainEvent[] = [];
    const drained = drainNode(node.client, {
      nodeName: node.name,
      options: { ...DEFAULT_DRAIN_OPTIONS, timeoutMs: 30_000 },
      signal: NEVER,
      onEvent: (event) => {
        events.push(event);
        if (event.kind === "blocked") void node.allow(namespace, "keep-it", 1);
      },
    });
    await drained;
    expect(await node.pods()).toEqual([]);
    expect(events.find(({ kind }) => kind === "blocked")).toMatchObject({ budget: "keep-it", retryInMs: 5000 });
  });
});
