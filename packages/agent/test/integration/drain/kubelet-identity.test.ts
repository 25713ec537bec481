/** With the kubelet's kubeconfig alone: the real Node authorizer and NodeRestriction decide. */
import { DEFAULT_DRAIN_OPTIONS, cordonNode, drainNode, readDrainVerdict, uncordonNode } from "@rancheros/agent/drain";
import { connectKubernetes, ownNodeName, type KubernetesClient } from "@rancheros/agent/kubernetes";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { writeKubeletKubeconfig } from "../../../../../test/control-plane/kubelet-kubeconfig.ts";
import { applyObjects } from "../../../../../test/control-plane/apply-objects.ts";
import { useNamespace } from "../../../../../test/control-plane/namespace.ts";
import { makeTestNode, type TestNode } from "../../../../../test/kubelets/test-node.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "kubelet");
const NEVER = new AbortController().signal;

let hostRoot: string;
let node: TestNode;
let client: KubernetesClient;
beforeAll(() => {
  hostRoot = mkdtempSync(path.join(tmpdir(), "host-"));
  mkdirSync(path.join(hostRoot, "var/lib/rancher/k3s/agent"), { recursive: true });
  mkdirSync(path.join(hostRoot, "etc/kubernetes"), { recursive: true });
});
afterAll(() => rmSync(hostRoot, { recursive: true }));
beforeEach(async () => {
  node = await makeTestNode(target);
  writeKubeletKubeconfig(target, node.name, path.join(hostRoot, "var/lib/rancher/k3s/agent/kubelet.kubeconfig"));
  client = await connectKubernetes({ hostRoot });
});
afterEach(async () => {
  client.close();
  await node.close();
});

describe("with the kubelet's identity", () => {
  it("this machine's node is known, drained and given back", async () => {
    expect(await ownNodeName(client, { hostRoot, signal: NEVER })).toBe(node.name);
    await node.addPod(namespace, "one");
    await node.addPod(namespace, "two", { phase: "Succeeded" });
    node.startKubelet();
    const options = { ...DEFAULT_DRAIN_OPTIONS, timeoutMs: 30_000, podSelector: "!nothing" };
    const report = await drainNode(client, { nodeName: node.name, options, signal: NEVER });
    expect(report.removed.map(({ name }) => name).sort()).toEqual(["one", "two"]);
    expect(await node.pods()).toEqual([]);
    expect(await uncordonNode(client, node.name, { signal: NEVER })).toMatchObject({ changed: true });
    expect(await node.isCordoned()).toBe(false);
  });

  it("pods are deleted, but for one that has come back on another node", async () => {
    for (const name of ["db-0", "db-1", "db-2"]) await node.addPod(namespace, name);
    const other = await makeTestNode(target);
    try {
      const moveDb1 = async (): Promise<void> => {
        const path = `/api/v1/namespaces/${namespace}/pods/db-1`;
        const body = { apiVersion: "v1", kind: "DeleteOptions", gracePeriodSeconds: 0 };
        await node.client.send({ method: "DELETE", path, body, signal: NEVER });
        await other.addPod(namespace, "db-1");
      };
      let moving: Promise<void> | undefined;
      const late: KubernetesClient = {
        ...client,
        send: async (request) => {
          if (request.method === "DELETE") await (moving ??= moveDb1());
          return client.send(request);
        },
      };
      node.startKubelet();
      const options = { ...DEFAULT_DRAIN_OPTIONS, timeoutMs: 30_000, disableEviction: true };
      const report = await drainNode(late, { nodeName: node.name, options, signal: NEVER });
      expect(report.removed.map(({ name }) => name).sort()).toEqual(["db-0", "db-2"]);
      expect(report.absent).toEqual([{ namespace, name: "db-1" }]);
      expect(await node.pods()).toEqual([]);
      expect(await other.pods()).toEqual(["db-1"]);
    } finally {
      await other.close();
    }
  });

  it("DaemonSets, which it may not look at, are taken for there", async () => {
    await applyObjects(target, {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { name: "agent", namespace },
      spec: {
        selector: { matchLabels: { app: "agent" } },
        template: {
          metadata: { labels: { app: "agent" } },
          spec: { containers: [{ name: "a", image: "none" }] },
        },
      },
    });
    await node.addPod(namespace, "daemon", { controller: { apiVersion: "apps/v1", kind: "DaemonSet", name: "agent" } });
    const options = { ...DEFAULT_DRAIN_OPTIONS, force: true };
    await expect(drainNode(client, { nodeName: node.name, options, signal: NEVER })).rejects.toMatchObject({
      code: "DRAIN_REFUSED",
      message:
        `unable to drain node "${node.name}" due to error: ` +
        `cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): ${namespace}/daemon`,
    });
    const ignoring = { ...options, ignoreDaemonSets: true };
    const report = await drainNode(client, { nodeName: node.name, options: ignoring, signal: NEVER });
    expect(report).toMatchObject({ removed: [], warning: `ignoring DaemonSet-managed Pods: ${namespace}/daemon` });
    expect(await node.pods()).toEqual(["daemon"]);
  });

  it("another node is out of reach, and that is said before anything is asked", async () => {
    await expect(cordonNode(client, "other", { signal: NEVER })).rejects.toMatchObject({
      code: "KUBECONFIG_OTHER_NODE",
      message: `the kubeconfig ${client.kubeconfigPath} is that of the node ${node.name}, and may not act on other`,
    });
    const options = DEFAULT_DRAIN_OPTIONS;
    await expect(drainNode(client, { nodeName: "other", options, signal: NEVER })).rejects.toMatchObject({
      code: "KUBECONFIG_OTHER_NODE",
    });
  });

  it("a drain is possible, though nobody knows of other nodes", async () => {
    expect(await readDrainVerdict(client, node.name, NEVER)).toMatchObject({ kind: "drain", reason: "hidden" });
  });

  it("an administrator's kubeconfig that expired is passed over, and that is told", async () => {
    const admin = path.join(hostRoot, "etc/kubernetes/admin.conf");
    writeKubeletKubeconfig(target, "expired-admin", admin, { expired: true });
    const skipped: string[] = [];
    const other = await connectKubernetes({ hostRoot, onSkipped: ({ code }) => skipped.push(code) });
    expect(skipped).toEqual(["KUBECONFIG_CERTIFICATE_EXPIRED"]);
    expect(other.identity).toEqual({ kind: "kubelet", nodeName: node.name });
    other.close();
    await expect(connectKubernetes({ path: admin, hostRoot })).rejects.toMatchObject({
      code: "KUBECONFIG_CERTIFICATE_EXPIRED",
    });
    rmSync(admin);
  });
});
