/**
 * Channels of type custom on the real API server. The kubelet's part is played: a node that is a web server, and a status
 * that the test writes; no container runs.
 */
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { kubectl, kubectlJson } from "../../control-plane/kubectl.ts";
import { syncedOf, testChannels } from "../../operator/channels.ts";
import { eventually, getObject } from "../../operator/objects.ts";
import { useOperator } from "../../operator/use-operator.ts";
import { createAuthority } from "../../registration/authority.ts";
import { startStrangeServer, type StrangeServer } from "../../registry/strange-server.ts";

const target = inject("controlPlane");
const POD_IMAGE = "registry.example.com/rancheros-operator:v1";
const certificate = createAuthority("kubelet").issue({ names: ["127.0.0.1"] });
const { namespace } = useOperator(target, "channel-pods", {
  flags: [`--channel-pod-image=${POD_IMAGE}`],
  chartValues: { channels: { custom: true } },
});
const channels = testChannels(target, namespace);

describe("a channel of type custom", () => {
  const NODE = `node-of-${namespace}`;
  const POD = "versions-box";
  const options = {
    image: "registry.example.com/lister:v1",
    command: ["/list"],
    args: ["--all"],
    env: [{ name: "A", value: "b" }],
  };
  let kubelet: StrangeServer;
  let log = "";

  async function pod(): Promise<unknown> {
    return eventually(async () => getObject(target, "pod", namespace, POD), "the pod");
  }

  async function says(status: object): Promise<void> {
    const patch = JSON.stringify({ status });
    await kubectl(target, [
      "patch",
      `pod/${POD}`,
      "-n",
      namespace,
      "--subresource=status",
      "--type=merge",
      "-p",
      patch,
    ]);
  }

  async function podIsGone(): Promise<void> {
    await eventually(
      async () => ((await getObject(target, "pod", namespace, POD)) === undefined ? true : undefined),
      "no pod",
    );
  }

  beforeAll(async () => {
    await kubectl(target, ["label", "namespace", namespace, "pod-security.kubernetes.io/enforce=baseline"]);
    kubelet = await startStrangeServer((_, response) => response.end(log), certificate);
    await applyObjects(target, { apiVersion: "v1", kind: "Node", metadata: { name: NODE } });
    const Port = Number(kubelet.host.split(":")[1]);
    const addresses = [{ type: "InternalIP", address: "127.0.0.1" }];
    const patch = JSON.stringify({ status: { addresses, daemonEndpoints: { kubeletEndpoint: { Port } } } });
    await kubectl(target, ["patch", `node/${NODE}`, "--subresource=status", "--type=merge", "-p", patch]);
  });
  afterAll(async () => {
    await kubectl(target, ["delete", "node", NODE]);
    await kubelet.stop();
  });

  it("runs its container, and ours beside it, without any rights in the cluster", async () => {
    await channels.make("box", { type: "custom", options });
    expect(await pod()).toMatchObject({
      metadata: { ownerReferences: [{ kind: "ManagedOSVersionChannel", name: "box" }] },
      spec: {
        restartPolicy: "Never",
        activeDeadlineSeconds: 600,
        automountServiceAccountToken: false,
        initContainers: [{ ...options, volumeMounts: [{ name: "data", mountPath: "/data" }] }],
        containers: [{ image: POD_IMAGE, args: ["display", "--file=/data/output"] }],
      },
    });
    expect(syncedOf(await channels.statusOf("box"))).toMatchObject({ status: "Unknown", reason: "Synchronizing" });
  });

  it("has the versions that its container wrote, and its pod goes", async () => {
    log = JSON.stringify([
      { metadata: { name: "box-v1" }, spec: { version: "v1.0.0", metadata: { upgradeImage: "example.com/os:v1" } } },
    ]);
    const binding = {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name: POD },
      target: { kind: "Node", name: NODE },
    };
    await kubectl(target, ["create", "--raw", `/api/v1/namespaces/${namespace}/pods/${POD}/binding`, "-f", "-"], {
      input: JSON.stringify(binding),
    });
    await says({ phase: "Succeeded" });
    expect(await channels.tried("box")).toMatchObject({ status: "True", reason: "Synchronized" });
    expect([...(await channels.versions()).keys()]).toContain("box-v1");
    await kubectl(target, ["delete", "pod", POD, "-n", namespace, "--force", "--grace-period=0", "--ignore-not-found"]);
    await podIsGone();
  });

  it("says how its container ended, and is tried again", async () => {
    const since = await channels.statusOf("box");
    await channels.change("box", { options: { args: ["--none"] } });
    await pod();
    const terminated = { exitCode: 3, reason: "Error", message: "no such list" };
    const initContainerStatuses = [
      { name: "list", image: "x", imageID: "x", ready: false, restartCount: 0, state: { terminated } },
    ];
    await says({ phase: "Failed", initContainerStatuses });
    const synced = await channels.tried("box", since);
    expect(synced).toMatchObject({ status: "False", reason: "FailedToSync" });
    expect(synced.message).toContain(
      `CHANNEL_POD_FAILED: pod ${POD}: container list ended with 3: Error: no such list`,
    );
    expect([...(await channels.versions()).keys()]).toContain("box-v1");
  });

  it("takes no pod of the same name for its own", async () => {
    await kubectl(target, ["delete", "mosvc", "box", "-n", namespace]);
    await kubectl(target, ["delete", "pod", POD, "-n", namespace, "--force", "--grace-period=0", "--ignore-not-found"]);
    const metadata = { name: POD, namespace };
    const spec = { containers: [{ name: "a", image: "a" }], automountServiceAccountToken: false };
    await applyObjects(target, { apiVersion: "v1", kind: "Pod", metadata, spec });
    await channels.make("box", { type: "custom", options });
    const synced = await channels.tried("box");
    expect(synced).toMatchObject({ status: "False", reason: "FailedToCreatePod" });
    expect(synced.message).toContain(`there is a pod ${POD} that is not the channel's`);
    const pods = (await kubectlJson(target, ["get", "pods", "-n", namespace])) as { items: object[] };
    expect(pods.items).toHaveLength(1);
  });
});
