/** Drains on the real API server; the test does the kubelet's part. */
import { DEFAULT_DRAIN_OPTIONS, cordonNode, drainNode, readDrainVerdict, uncordonNode } from "@rancheros/agent/drain";
import type { DrainEvent, DrainOptions, DrainReport } from "@rancheros/agent/drain";
import { isMap, type ApiRequest } from "@rancheros/agent/kubernetes";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { kubectl } from "../../../../../test/control-plane/kubectl.ts";
import {
  createNamespace,
  inventName,
  removeNamespace,
  useNamespace,
} from "../../../../../test/control-plane/namespace.ts";
import { makeTestNode, type TestNode } from "../../../../../test/kubelets/test-node.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "drain");

let node: TestNode;
beforeEach(async () => {
  node = await makeTestNode(target);
});
afterEach(() => node.close());

const NEVER = new AbortController().signal;

interface Drained {
  readonly events: DrainEvent[];
  readonly work: Promise<DrainReport>;
}

function drain(options: Partial<DrainOptions> = {}, signal = NEVER, onEvent?: (event: DrainEvent) => void): Drained {
  const events: DrainEvent[] = [];
  const work = drainNode(node.client, {
    nodeName: node.name,
    options: { ...DEFAULT_DRAIN_OPTIONS, timeoutMs: 30_000, ...options },
    signal,
    onEvent: (event) => {
      events.push(event);
      onEvent?.(event);
    },
  });
  return { events, work };
}

describe("a drain", () => {
  it("evicts what the filters let go, waits until it is gone, and leaves the node cordoned", async () => {
    await node.addPod(namespace, "one");
    await node.addPod(namespace, "two");
    await node.addPod(namespace, "done", { phase: "Succeeded", controller: "none" });
    await node.addPod(namespace, "mirror", { annotations: { "kubernetes.io/config.mirror": "x" }, controller: "none" });
    node.startKubelet();
    const { events, work } = drain();
    const report = await work;
    expect(await node.pods()).toEqual(["mirror"]);
    expect(await node.isCordoned()).toBe(true);
    expect(report).toMatchObject({ cordoned: true, absent: [], notAwaited: [], left: [{ namespace, name: "mirror" }] });
    expect(report.removed.map(({ name }) => name).sort()).toEqual(["done", "one", "two"]);
    const ofOne = events.filter((event) => "pod" in event && event.pod.name === "one");
    expect(ofOne.map(({ kind }) => kind)).toEqual(["evicting", "waiting", "gone"]);
    expect([events[0]?.kind, events.at(-1)?.kind]).toEqual(["cordon", "drained"]);
  });

  it("evicts nothing where one pod does not allow it, and says why in kubectl's words", async () => {
    await node.addPod(namespace, "fine");
    await node.addPod(namespace, "data", { emptyDir: true });
    await node.addPod(namespace, "orphan", {
      controller: { apiVersion: "apps/v1", kind: "DaemonSet", name: "no-such" },
    });
    node.startKubelet();
    const { work, events } = drain({ ignoreDaemonSets: true });
    await expect(work).rejects.toMatchObject({
      code: "DRAIN_REFUSED",
      message:
        `unable to drain node "${node.name}" due to error: ` +
        `[cannot delete Pods with local storage (use --delete-emptydir-data to override): ${namespace}/data, ` +
        `cannot delete daemonsets.apps "no-such" not found: ${namespace}/orphan]`,
    });
    expect(events.map(({ kind }) => kind)).toEqual(["cordon"]);
    expect(await node.pods()).toEqual(["data", "fine", "orphan"]);
    await drain({ deleteEmptyDirData: true, force: true }).work;
    expect(await node.pods()).toEqual([]);
  });

  it("names the PodDisruptionBudget that holds a pod, and goes on when it lets go", async () => {
    await node.addPod(namespace, "held", { labels: { app: "held" } });
    await node.addBudget(namespace, "keep-it", "held", 0);
    node.startKubelet();
    const { work, events } = drain({}, NEVER, ({ kind }) => {
      if (kind === "blocked") void node.allow(namespace, "keep-it", 1);
    });
    await work;
    expect(await node.pods()).toEqual([]);
    expect(events.filter(({ kind }) => kind === "blocked")).toEqual([
      {
        kind: "blocked",
        pod: { namespace, name: "held" },
        budget: "keep-it",
        message: "Cannot evict pod as it would violate the pod's disruption budget.",
        why: "The disruption budget keep-it needs 1 healthy pods and has 1 currently",
        retryInMs: 5000,
      },
    ]);
  });

  it("deletes past the budget where it is told to, with the grace period that is asked for", async () => {
    await node.addPod(namespace, "past", { labels: { app: "past" } });
    await node.addBudget(namespace, "ignored", "past", 0);
    // Without a kubelet: with no grace the API server removes it at once.
    await drain({ disableEviction: true, gracePeriodSeconds: 0 }).work;
    expect(await node.pods()).toEqual([]);
  });

  it("takes two budgets over one pod for final", async () => {
    await node.addPod(namespace, "twice", { labels: { app: "twice" } });
    await node.addPod(namespace, "other");
    await node.addBudget(namespace, "first", "twice", 1);
    await node.addBudget(namespace, "second", "twice", 1);
    node.startKubelet();
    await expect(drain().work).rejects.toMatchObject({
      code: "DRAIN_FAILED",
      message:
        `unable to drain node "${node.name}" due to error: error when evicting pods/"twice" -n "${namespace}": ` +
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
      pending: [{ namespace, name: "twice" }],
    });
    expect(await node.pods()).toEqual(["twice"]);
  });

  it("leaves pods alone that the selector does not choose, and refuses a bad selector before it cordons", async () => {
    await node.addPod(namespace, "chosen", { labels: { tier: "web" } });
    await node.addPod(namespace, "orphan", { controller: "none" });
    node.startKubelet();
    await expect(drain({ podSelector: "tier in (" }).work).rejects.toMatchObject({ code: "DRAIN_OPTIONS_INVALID" });
    expect(await node.isCordoned()).toBe(false);
    await drain({ podSelector: "tier in (web,db)" }).work;
    expect(await node.pods()).toEqual(["orphan"]);
  });

  it("does not wait for a pod that is stuck in deletion for longer than asked", async () => {
    await node.addPod(namespace, "stuck", { finalizers: ["example.com/stuck"], graceSeconds: 1 });
    node.startKubelet();
    const { work } = drain({ gracePeriodSeconds: 0, skipWaitForDeleteTimeoutSeconds: 1 });
    expect(await work).toMatchObject({ removed: [], notAwaited: [{ namespace, name: "stuck" }] });
    // The next one does not even ask for it.
    expect(await drain({ skipWaitForDeleteTimeoutSeconds: 1 }).work).toMatchObject({ removed: [], notAwaited: [] });
  });

  it("waits in a namespace that is being deleted until the pod is deleted too", async () => {
    const ending = inventName("ending");
    await createNamespace(target, ending);
    const uid = await node.addPod(ending, "late");
    await node.client.send({ method: "DELETE", path: `/api/v1/namespaces/${ending}`, signal: NEVER });
    node.startKubelet();
    const { work, events } = drain({}, NEVER, ({ kind }) => {
      if (kind !== "namespace-terminating") return;
      // What the namespace's controller does.
      const body = { preconditions: { uid } };
      void node.client.send({ method: "DELETE", path: `/api/v1/namespaces/${ending}/pods/late`, body, signal: NEVER });
    });
    await work;
    expect(events.filter(({ kind }) => kind === "namespace-terminating")).toHaveLength(1);
    expect(await node.pods()).toEqual([]);
    await removeNamespace(target, ending);
  });

  it("ends at once when it is broken off, and leaves the node cordoned and the pods as they are", async () => {
    await node.addPod(namespace, "slow");
    const controller = new AbortController();
    const { work } = drain({ timeoutMs: 0 }, controller.signal, ({ kind }) => {
      if (kind === "waiting") controller.abort();
    });
    await expect(work).rejects.toMatchObject({ code: "DRAIN_INTERRUPTED" });
    expect(await node.isCordoned()).toBe(true);
    expect(await node.pods()).toEqual(["slow"]);
  });

  it("waits by the API server's memory, and by a plain list where that has not come so far", async () => {
    await node.addPod(namespace, "slow");
    const { client } = node;
    const looks: ("plain" | "late" | "too late")[] = [];
    const send = (request: ApiRequest): Promise<unknown> => {
      const { query = {} } = request;
      if (request.accept?.includes("PartialObjectMetadataList") !== true) return client.send(request);
      if (query["resourceVersion"] === undefined) looks.push("plain");
      else looks.push(looks.length === 2 ? "too late" : "late");
      // As of another API server that is ahead.
      const ahead = { ...query, resourceVersion: String(Number.MAX_SAFE_INTEGER) };
      return client.send(looks.at(-1) === "too late" ? { ...request, query: ahead } : request);
    };
    const { host, kubeconfigPath, identity } = client;
    const watched = { host, kubeconfigPath, identity, send, serverMs: () => client.serverMs(), close: () => undefined };
    const options = { ...DEFAULT_DRAIN_OPTIONS, timeoutMs: 60_000 };
    const events: DrainEvent[] = [];
    const work = drainNode(watched, {
      nodeName: node.name,
      options,
      signal: NEVER,
      onEvent: (one) => events.push(one),
    });
    await expect.poll(() => looks.slice(0, 5)).toEqual(["plain", "late", "too late", "plain", "late"]);
    node.startKubelet();
    expect((await work).removed).toEqual([{ namespace, name: "slow" }]);
    expect(await node.pods()).toEqual([]);
    expect(events.filter(({ kind }) => kind === "retry")).toEqual([]);
  });

  it("with 200 pods has all of them gone, and keeps quiet about many listeners", async () => {
    const warnings: string[] = [];
    const note = (warning: Error): void => void warnings.push(warning.message);
    process.on("warning", note);
    const names = Array.from({ length: 200 }, (_none, index) => `many-${index}`);
    for (let index = 0; index < names.length; index += 20) {
      await Promise.all(names.slice(index, index + 20).map((name) => node.addPod(namespace, name)));
    }
    node.startKubelet();
    const report = await drain({ gracePeriodSeconds: 1, timeoutMs: 50_000 }).work;
    expect(report.removed).toHaveLength(200);
    expect(await node.pods()).toEqual([]);
    process.off("warning", note);
    expect(warnings).toEqual([]);
  });

  it.each(["client", "server"] as const)("tried as %s changes nothing", async (dryRun) => {
    await node.addPod(namespace, "stays");
    const options = { ...DEFAULT_DRAIN_OPTIONS, timeoutMs: 10_000 };
    const report = await drainNode(node.client, { nodeName: node.name, options, dryRun, signal: NEVER });
    expect(report).toMatchObject({ cordoned: true, removed: [{ namespace, name: "stays" }] });
    expect(await node.isCordoned()).toBe(false);
    const path = `/api/v1/namespaces/${namespace}/pods/stays`;
    const pod = await node.client.send({ method: "GET", path, signal: NEVER });
    expect(isMap(pod) && isMap(pod["metadata"]) && pod["metadata"]["deletionTimestamp"]).toBeUndefined();
  });
});

describe("a cordon", () => {
  it("says whether it was ours, also beside others who write to the node", async () => {
    const annotate = (count: number): Promise<unknown> =>
      node.client.send({
        method: "PATCH",
        path: `/api/v1/nodes/${node.name}`,
        contentType: "application/merge-patch+json",
        body: { metadata: { annotations: { count: String(count) } } },
        signal: NEVER,
      });
    const others = Promise.all(Array.from({ length: 20 }, (_none, count) => annotate(count)));
    const cordons = await Promise.all(
      Array.from({ length: 5 }, () => cordonNode(node.client, node.name, { signal: NEVER })),
    );
    await others;
    expect(cordons.filter(({ changed }) => changed)).toHaveLength(1);
    expect(await node.isCordoned()).toBe(true);
    const uncordons = await Promise.all(
      Array.from({ length: 5 }, () => uncordonNode(node.client, node.name, { signal: NEVER })),
    );
    expect(uncordons.filter(({ changed }) => changed)).toHaveLength(1);
    expect(await node.isCordoned()).toBe(false);
  });

  it("tells who set it, by the API server's own book", async () => {
    const byUs = { changed: true, setBy: "ros-agent" };
    expect(await cordonNode(node.client, node.name, { signal: NEVER })).toEqual(byUs);
    expect(await cordonNode(node.client, node.name, { signal: NEVER })).toEqual({ ...byUs, changed: false });
    expect(await uncordonNode(node.client, node.name, { signal: NEVER })).toEqual({ changed: true, setBy: undefined });
    await kubectl(target, ["cordon", node.name]);
    const { changed, setBy } = await cordonNode(node.client, node.name, { signal: NEVER });
    expect({ changed, setBy }).toEqual({ changed: false, setBy: expect.stringContaining("kubectl") as unknown });
  });

  it("of a node that is not there is refused", async () => {
    await expect(cordonNode(node.client, "no-such-node", { signal: NEVER })).rejects.toMatchObject({
      code: "NODE_API_NOT_FOUND",
      message: 'nodes "no-such-node" not found',
    });
  });
});

describe("the verdict", () => {
  it("sees the servers of the cluster", async () => {
    const server = await makeTestNode(target, { "node-role.kubernetes.io/control-plane": "true" });
    try {
      const alone = await readDrainVerdict(server.client, server.name, NEVER);
      expect(alone).toMatchObject({ kind: "skip", reason: "last-server" });
      expect(await readDrainVerdict(node.client, node.name, NEVER)).toMatchObject({ kind: "drain" });
    } finally {
      await server.close();
    }
  });
});
