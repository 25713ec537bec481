/** The simulated kubelets and the controller-manager behave as a cluster does, where a drain or a rollout looks. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { controlledCluster } from "../../control-plane/controlled-cluster.ts";
import { writeKubeletKubeconfig } from "../../control-plane/kubelet-kubeconfig.ts";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { kubectl, kubectlJson } from "../../control-plane/kubectl.ts";
import { inventName, useNamespace } from "../../control-plane/namespace.ts";
import { getObject } from "../../operator/objects.ts";
import {
  BEHAVIOUR,
  isReady,
  KUBELETS_LABEL,
  makeMirrorPod,
  startKubelets,
  type Kubelets,
  type Pod,
} from "../../kubelets/index.ts";

/** Each look starts a kubectl. */
const SOON = { timeout: 30_000 } as const;

const target = await controlledCluster(inject("controlPlane"));
const namespace = useNamespace(target, "kubelets");
const prefix = inventName("kubelets");
const folder = mkdtempSync(path.join(tmpdir(), "kubelets-"));
let kubelets: Kubelets;
let first: string;
let second: string;

beforeAll(async () => {
  kubelets = await startKubelets(target, { prefix, namespaces: [namespace] });
  first = await kubelets.addNode("a");
  second = await kubelets.addNode("b");
});
afterAll(async () => {
  await kubelets.stop();
  rmSync(folder, { recursive: true, force: true });
  const left = await kubectl(target, ["get", "nodes", `--selector=${KUBELETS_LABEL}=${prefix}`, "--output=name"]);
  expect(left).toBe("");
});

function template(app: string, annotations: Readonly<Record<string, string>> = {}): object {
  return {
    metadata: { labels: { app }, annotations },
    spec: {
      nodeSelector: { [KUBELETS_LABEL]: prefix },
      terminationGracePeriodSeconds: 10,
      containers: [{ name: "app", image: "registry.example.com/app:1" }],
    },
  };
}

function workload(kind: string, app: string, spec: object = {}, annotations: Readonly<Record<string, string>> = {}) {
  return {
    apiVersion: "apps/v1",
    kind,
    metadata: { name: app, namespace },
    spec: { selector: { matchLabels: { app } }, template: template(app, annotations), ...spec },
  };
}

function barePod(name: string, nodeName: string | undefined, annotations: Readonly<Record<string, string>> = {}) {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, annotations },
    spec: { nodeName, containers: [{ name: "app", image: "registry.example.com/app:1" }] },
  };
}

function podsOf(app: string): readonly Pod[] {
  return kubelets.pods().filter(({ metadata }) => metadata.labels?.["app"] === app);
}

async function nodeCondition(node: string): Promise<string> {
  const format = '--output=jsonpath={.status.conditions[?(@.type=="Ready")].status} {.status.nodeInfo.bootID}';
  return kubectl(target, ["get", "node", node, format]);
}

async function evict({ metadata: { name } }: Pod): Promise<string> {
  const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace } };
  const args = ["create", `--raw=/api/v1/namespaces/${namespace}/pods/${name}/eviction`, "--filename=-"];
  return kubectl(target, args, { input: JSON.stringify(eviction) });
}

describe("pods", () => {
  test("of a ReplicaSet are spread, become Ready, and come back when they are evicted, as far as the budget lets them go", async () => {
    await applyObjects(target, workload("ReplicaSet", "web", { replicas: 4 }), {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: "web", namespace },
      spec: { minAvailable: 3, selector: { matchLabels: { app: "web" } } },
    });
    await kubelets.untilPods("four are Ready", () => podsOf("web").filter(isReady).length === 4);
    expect(podsOf("web").map(({ spec }) => spec.nodeName)).toEqual(expect.arrayContaining([first, second]));
    await expect
      .poll(async () => (await getObject(target, "pdb", namespace, "web"))?.status?.["disruptionsAllowed"], SOON)
      .toBe(1);

    const [one, other] = podsOf("web");
    await kubectl(target, ["cordon", first, second]);
    await evict(one!);
    await expect(evict(other!)).rejects.toThrow(/violate the pod's disruption budget/);
    await kubectl(target, ["uncordon", first, second]);
    await kubelets.untilPods(
      "another took its place",
      () =>
        podsOf("web").filter(isReady).length === 4 &&
        podsOf("web").every(({ metadata }) => metadata.uid !== one!.metadata.uid),
    );
  });

  test("do not go where the node is cordoned, and go there when it is not any more", async () => {
    await kubectl(target, ["cordon", first, second]);
    await applyObjects(target, workload("StatefulSet", "store", { replicas: 1, serviceName: "store" }));
    await kubelets.untilPods("it is there", () => podsOf("store").length === 1);
    expect(podsOf("store")[0]?.spec.nodeName).toBeUndefined();
    await kubectl(target, ["uncordon", second]);
    await kubelets.untilPods("it runs", () => podsOf("store").some(isReady));
    expect(podsOf("store")[0]?.spec.nodeName).toBe(second);
    await kubectl(target, ["uncordon", first]);
  });

  test("of a DaemonSet run on each node, cordoned or not", async () => {
    await kubectl(target, ["cordon", first]);
    await applyObjects(target, workload("DaemonSet", "agent"));
    await kubelets.untilPods("two are Ready", () => podsOf("agent").filter(isReady).length === 2);
    expect(new Set(podsOf("agent").map(({ spec }) => spec.nodeName))).toEqual(new Set([first, second]));
    await kubectl(target, ["uncordon", first]);
  });

  test("end after their grace period, in the scaled time, unless they are stuck", async () => {
    const stuck = barePod("stuck", first, { [BEHAVIOUR.stuck]: "true" });
    await applyObjects(
      target,
      stuck,
      barePod("quick", first),
      barePod("unready", first, { [BEHAVIOUR.unready]: "true" }),
    );
    const named = (name: string) => kubelets.pods().find(({ metadata }) => metadata.name === name);
    await kubelets.untilPods("they run", () =>
      ["stuck", "quick"].every((name) => named(name)?.status.phase === "Running"),
    );
    await kubectl(target, ["delete", "pod", "stuck", "quick", `-n=${namespace}`, "--wait=false"]);
    await kubelets.untilPods("the quick one is gone", () => named("quick") === undefined);
    expect(named("stuck")?.metadata.deletionTimestamp).toBeDefined();
    expect(named("unready")).toMatchObject({ status: { phase: "Running" } });
    expect(isReady(named("unready")!)).toBe(false);
    await kubectl(target, ["annotate", "pod", "stuck", `-n=${namespace}`, `${BEHAVIOUR.stuck}-`]);
    await kubelets.untilPods("the stuck one is gone", () => named("stuck") === undefined);
  });

  test("finish when they are told to", async () => {
    await applyObjects(target, barePod("job", second, { [BEHAVIOUR.phase]: "Succeeded" }));
    await expect
      .poll(async () => (await getObject(target, "pod", namespace, "job"))?.status?.["phase"], SOON)
      .toBe("Succeeded");
  });

  test("of the kubelet itself are mirrored, for its own node alone", async () => {
    const pod = await makeMirrorPod(target, first, namespace, "static");
    expect(pod.metadata.name).toBe(`static-${first}`);
    await kubelets.untilPods("it is Ready", (pods) =>
      pods.some((one) => one.metadata.uid === pod.metadata.uid && isReady(one)),
    );
  });
});

describe("a node", () => {
  test("that restarts is not Ready, and comes back with another boot id and its pods", async () => {
    const before = kubelets.bootId(first);
    const ready = `True ${before}`;
    expect(await nodeCondition(first)).toBe(ready);
    await kubelets.takeDown(first);
    expect(await nodeCondition(first)).toBe(`Unknown ${before}`);
    await kubelets.untilPods("no pod there is Ready", (pods) =>
      pods.every((pod) => pod.spec.nodeName !== first || !isReady(pod)),
    );
    const after = await kubelets.reboot(first, { downMs: 50, osImage: "RancherOS next" });
    expect(after).not.toBe(before);
    expect(await nodeCondition(first)).toBe(`True ${after}`);
    await kubelets.untilPods("its pods are Ready", (pods) =>
      pods.some(({ metadata, spec }) => spec.nodeName === first && metadata.labels?.["app"] === "agent"),
    );
    await expect(kubectlJson(target, ["get", "node", first])).resolves.toMatchObject({
      status: { nodeInfo: { osImage: "RancherOS next" } },
    });
  });

  test("may cordon itself with its kubelet's kubeconfig, and no other", async () => {
    const kubeconfigPath = path.join(folder, "kubelet.kubeconfig");
    writeKubeletKubeconfig(target, first, kubeconfigPath);
    const kubelet = { ...target, kubeconfigPath };
    expect(await kubectl(kubelet, ["cordon", first])).toBe(`node/${first} cordoned\n`);
    expect(await kubectl(kubelet, ["uncordon", first])).toBe(`node/${first} uncordoned\n`);
    await expect(kubectl(kubelet, ["cordon", second])).rejects.toThrow(/Forbidden/);
  });

  test("whose kubelet's certificate has expired is a stranger", async () => {
    const kubeconfigPath = path.join(folder, "expired.kubeconfig");
    writeKubeletKubeconfig(target, first, kubeconfigPath, { expired: true });
    await expect(kubectl({ ...target, kubeconfigPath }, ["get", "node", first])).rejects.toThrow(
      /Unauthorized|logged in/,
    );
  });
});
