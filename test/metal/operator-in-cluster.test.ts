/**
 * The operator's image as a Deployment in a cluster whose node is a virtual machine: installed by helm as the document says,
 * run by a real kubelet, placed by a real scheduler, reached through a Service of a real kube-proxy; upgraded and uninstalled.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { clusterContents } from "../chart/cluster-contents.ts";
import { CHART } from "../chart/helm.ts";
import { kubectl } from "../control-plane/kubectl.ts";
import { createNamespace } from "../control-plane/namespace.ts";
import { runRosAgent } from "../integration/interop/ros-agent.ts";
import { channelAt, visitAttested } from "../machine/attested-visit.ts";
import { connectMachines } from "../machine/connected-machines.ts";
import { visit } from "../machine/visit.ts";
import { syncedOf, testChannels, type TestChannels } from "../operator/channels.ts";
import { getObject, listInventories, makeRegistration } from "../operator/objects.ts";
import { buildImage, busyboxLayer, pushImage } from "../registry/index.ts";
import { writeSystemTables } from "../smbios/system-tables.ts";
import { createFleet, createSoftwareTpm } from "../software-tpm/index.ts";
import { startSwtpm } from "../swtpm/index.ts";
import { OperatorRelease } from "./operator-release.ts";
import { buildOperatorImage, pushOperatorImage, startPodCluster, type PodCluster } from "./pod-cluster.ts";
import { patiently } from "./rollout.ts";
import { tell, tellTime } from "./steps.ts";
import { startTlsRelay } from "./tls-relay.ts";

const MINUTE_MS = 60_000;
/** Deadlines for what hangs: without KVM the executable takes ten seconds and more to start. */
const STEP_MS = 15 * MINUTE_MS;
/** For a part of a step: what helps to see why is gathered within the step's time. */
const WAIT_MS = 10 * MINUTE_MS;
const NAMESPACE = "cattle-rancheros-operator-system";
const RELEASE = "rancheros-operator";
const HOME = "fleet-default";
const NODE_PORT = 30_443;
/** As distroless images have it, and the chart. */
const USER = "65532";
const CONNECTIONS = 20;
const CRDS = ["machineinventories", "machineregistrations", "managedosimages", "managedosversionchannels"]
  .concat("managedosversions")
  .map((plural) => `CustomResourceDefinition <none>/${plural}.rancheros.cattle.io`);

/** What the serial port said stays there, and after a failure what the journal said. */
const logs = process.env["RANCHEROS_METAL_LOGS"] ?? path.resolve(import.meta.dirname, "../../.work/metal");
let folder: string;
let image: Promise<string>;
let cluster: PodCluster;
/** There is none where it did not come up, which is then the reason that counts. */
let stopCluster: () => Promise<void> = async () => undefined;
let url: string;
let before: readonly string[];
let channels: TestChannels;
let release: OperatorRelease;

beforeAll(async () => {
  const beganMs = performance.now();
  folder = mkdtempSync(path.join(tmpdir(), "helm-"));
  image = buildOperatorImage();
  image.catch(() => undefined);
  cluster = await startPodCluster(folder, [NODE_PORT]);
  stopCluster = () => cluster.stop();
  const { controlPlane, registry } = cluster;
  url = `https://127.0.0.1:${cluster.hostPortOf(NODE_PORT)}`;
  await pushOperatorImage(registry, await image);
  for (const [name, level] of [
    [NAMESPACE, "restricted"],
    [HOME, "baseline"],
  ] as const) {
    await createNamespace(controlPlane, name);
    await kubectl(controlPlane, ["label", "namespace", name, `pod-security.kubernetes.io/enforce=${level}`]);
  }
  channels = testChannels(controlPlane, HOME);
  release = new OperatorRelease(cluster, NAMESPACE, RELEASE);
  await patiently(
    async () => {
      before = await clusterContents(controlPlane);
      return [NAMESPACE, HOME].every((name) =>
        [`ConfigMap ${name}/kube-root-ca.crt`, `ServiceAccount ${name}/default`].every((one) => before.includes(one)),
      );
    },
    "what every namespace has",
    MINUTE_MS,
  );
  tellTime((performance.now() - beganMs) / 1000, "a cluster with a node, and the operator's image");
}, 60 * MINUTE_MS);

afterAll(async () => {
  try {
    // After an early failure it is still being made.
    await Promise.allSettled([image]);
    await stopCluster();
  } finally {
    const serial = path.join(folder, "vm/serial.log");
    mkdirSync(logs, { recursive: true });
    if (existsSync(serial)) copyFileSync(serial, path.join(logs, "operator-in-cluster-serial.log"));
    rmSync(folder, { recursive: true, force: true });
  }
}, 5 * MINUTE_MS);

/** The chart gives all rights that it needs, also to who leads. */
async function expectQuietLeader(): Promise<void> {
  await patiently(async () => (await release.leader()) !== "", "one of them leads", WAIT_MS);
  const said = await release.log();
  expect(said).toContain("this replica leads");
  expect(said).not.toMatch(/is forbidden: User/);
}

const NEVER_RESTARTED = { phase: "Running", containerStatuses: [{ ready: true, restartCount: 0 }] };

describe("the operator in a cluster of real nodes", () => {
  const { step } = tell({ onFailure: () => release.whyNot(logs) });

  step("is installed by helm, and two replicas become ready under the kubelet", STEP_MS, async () => {
    const values = [
      `serverURL=${url}`,
      "service.type=NodePort",
      `service.nodePort=${NODE_PORT}`,
      "channels.custom=true",
    ];
    await release.helm("install", "--create-namespace", RELEASE, CHART, ...values.map((one) => `--set=${one}`));
    const pods = await release.rolledOut();
    expect(pods.map(({ spec }) => spec["nodeName"])).toEqual(["cloud1", "cloud1"]);
    for (const { status } of pods) {
      expect(status).toMatchObject(NEVER_RESTARTED);
    }
    await patiently(
      async () =>
        (await getObject(cluster.controlPlane, "pdb", NAMESPACE, RELEASE))?.status?.["disruptionsAllowed"] === 1,
      "the budget",
      MINUTE_MS,
    );
    await patiently(async () => (await release.leader()) !== "", "one of them leads", MINUTE_MS);
  });

  step("runs without root, rights of the kernel, and a root that can be written", STEP_MS, async () => {
    expect(await release.kernelSays("Uid")).toEqual(Array(2).fill([USER, USER, USER, USER].join("\t")));
    expect(await release.kernelSays("Gid")).toEqual(Array(2).fill([USER, USER, USER, USER].join("\t")));
    expect(await release.kernelSays("NoNewPrivs")).toEqual(["1", "1"]);
    // Filtered, as RuntimeDefault says.
    expect(await release.kernelSays("Seccomp")).toEqual(["2", "2"]);
    for (const set of ["CapEff", "CapPrm", "CapBnd"])
      expect(await release.kernelSays(set)).toEqual(Array(2).fill("0".repeat(16)));
    const roots = await release.inEach("grep ' / / ' $one/mountinfo");
    expect(roots).toEqual([expect.stringMatching(/ \/ \/ ro,/), expect.stringMatching(/ \/ \/ ro,/)]);
  });

  step("lets machines in through its Service, by both protocols", STEP_MS, async () => {
    const door = await makeRegistration(cluster.controlPlane, HOME, "door", { cloudConfig: { hostname: "edge" } });
    expect(door.url).toBe(`${url}/v1-rancheros/registration/${door.token}`);
    const caPem = await release.kubectl("get", "configmap", "rancheros-operator-ca", "-o=jsonpath={.data.ca\\.crt}");
    const legacy = await visit({ url: door.url, tpm: createSoftwareTpm(), caPem });
    expect(legacy).toMatchObject({ close: { code: 1000 } });
    const tpm = await startSwtpm({ stateFolder: path.join(folder, "tpm"), withEkCertificate: true });
    try {
      const [caFile, dmi] = [path.join(folder, "ca.pem"), path.join(folder, "dmi")];
      writeFileSync(caFile, caPem);
      writeSystemTables(dmi, {
        manufacturer: "Example, Inc.",
        productName: "Edge",
        serialNumber: "EDGE1",
        uuidHex: "4c4c4544005810398039b7c04f513133",
      });
      const flags = ["--ca-cert", caFile, "--smbios-dump", dmi, "--tcti", tpm.tcti, "--json"];
      const outcome = await runRosAgent(["register", door.url, ...flags]);
      expect(outcome.status, outcome.stderr).toBe(0);
      expect(outcome.stdout).toContain("edge");
    } finally {
      await tpm.stop();
    }
    expect(await listInventories(cluster.controlPlane, HOME)).toHaveLength(2);
  });

  step("has the versions of a container that the kubelet runs, and says why it has none", STEP_MS, async () => {
    const { registry } = cluster;
    await pushImage(registry, "lister", "1", buildImage({ layers: [busyboxLayer()], config: { Env: ["PATH=/bin"] } }));
    const list = [
      { metadata: { name: "box-v2" }, spec: { version: "v2.0.0", metadata: { upgradeImage: "example.com/os:v2" } } },
    ];
    const lister = (...command: readonly string[]): object => ({
      type: "custom",
      options: { image: "registry.test/lister:1", command, env: [{ name: "LIST", value: JSON.stringify(list) }] },
    });
    await channels.make("box", lister("/bin/sh", "-c", 'echo "$LIST" > /data/output'));
    await channels.make("fails", lister("/bin/sh", "-c", "exit 3"));
    await channels.make("missing", { type: "custom", options: { image: "registry.test/nothing:1" } });
    const synced = async (name: string, status: string): Promise<unknown> => {
      const said = async () => syncedOf(await channels.statusOf(name));
      await patiently(async () => (await said())?.status === status, `channel ${name} is tried`, WAIT_MS);
      return said();
    };
    expect(await synced("box", "True")).toMatchObject({ reason: "Synchronized" });
    expect((await channels.versions()).get("box-v2")?.spec).toMatchObject({ version: "v2.0.0" });
    expect(await synced("fails", "False")).toMatchObject({
      message: expect.stringContaining(
        "CHANNEL_POD_FAILED: pod versions-fails: container list ended with 3",
      ) as unknown,
    });
    expect(await synced("missing", "False")).toMatchObject({
      message: expect.stringMatching(
        /CHANNEL_POD_FAILED: pod versions-missing: container list: ImagePullBackOff/,
      ) as unknown,
    });
    for (const name of ["fails", "missing"]) await kubectl(cluster.controlPlane, ["delete", "mosvc", name, "-n", HOME]);
    const pods = async (): Promise<string> => kubectl(cluster.controlPlane, ["get", "pods", "-n", HOME, "-o", "name"]);
    await patiently(async () => (await pods()) === "", "no pod is left", WAIT_MS);
  });

  step("keeps a replica that its budget protects", STEP_MS, async () => {
    const [one = "", other = ""] = (await release.pods()).map(({ metadata }) => metadata.name);
    const evict = async (name: string): Promise<string> => {
      const body = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace: NAMESPACE } };
      const at = `/api/v1/namespaces/${NAMESPACE}/pods/${name}/eviction`;
      return kubectl(cluster.controlPlane, ["create", `--raw=${at}`, "-f", "-"], { input: JSON.stringify(body) });
    };
    await evict(one);
    await expect(evict(other)).rejects.toThrow(/would violate the pod's disruption budget/);
    const names = (await release.rolledOut()).map(({ metadata }) => metadata.name);
    expect([names.includes(one), names.includes(other)]).toEqual([false, true]);
  });

  step("has a replica that hangs restarted by the kubelet; meanwhile the other one leads", STEP_MS, async () => {
    const name = await release.leader();
    const isIt = `[ "$(cat $one/root/etc/hostname)" = ${name} ]`;
    expect(await release.inEach(`if ${isIt}; then kill -STOP "\${one#/proc/}" && echo hangs; fi`)).toEqual(["hangs"]);
    await patiently(async () => ![name, ""].includes(await release.leader()), "the other one leads", WAIT_MS);
    const restarts = async (): Promise<number | undefined> =>
      (await release.pods()).find(({ metadata }) => metadata.name === name)?.status?.containerStatuses?.[0]
        ?.restartCount;
    await patiently(async () => (await restarts()) === 1, "it is restarted", WAIT_MS);
    await release.rolledOut();
    expect(await restarts()).toBe(1);
  });

  step("is upgraded by helm, and loses no request that a retry does not cover", STEP_MS, async () => {
    const { token } = await makeRegistration(cluster.controlPlane, HOME, "crowd");
    const channel = await channelAt(url);
    const relay = await startTlsRelay(url);
    const fleet = createFleet(CONNECTIONS);
    const sessionTokens: string[] = [];
    for (let at = 0; at < CONNECTIONS; at += 1) {
      const purpose = { kind: "registration", token } as const;
      const admitted = await visitAttested({ next: () => relay.url, tpm: fleet.at(at), channel, purpose });
      sessionTokens.push(admitted.session.token);
    }
    await relay.stop();
    const olds = await release.pods();
    await expectQuietLeader();
    const machines = connectMachines({ url, sessionTokens, pauseMs: 2_000 });
    try {
      await release.helm("upgrade", RELEASE, CHART, "--reset-then-reuse-values", "--set=settings.logLevel=debug");
      const pods = await release.rolledOut();
      const names = olds.map(({ metadata }) => metadata.name);
      expect(pods.filter(({ metadata }) => names.includes(metadata.name))).toEqual([]);
      for (const { status } of pods) expect(status).toMatchObject(NEVER_RESTARTED);
      const { answered } = machines.totals();
      await patiently(async () => machines.totals().answered >= answered + CONNECTIONS, "all are answered", WAIT_MS);
    } finally {
      await machines.stop();
    }
    const { lost, answered, retried, slowestMs } = machines.totals();
    process.stdout.write(
      `metal: ${answered} answered, ${retried} after a retry, the slowest in ${slowestMs.toFixed(0)} ms\n`,
    );
    expect(lost).toEqual([]);
    await expectQuietLeader();
  });

  step("is uninstalled, and leaves the CRDs and the objects alone", STEP_MS, async () => {
    await release.helm("uninstall", RELEASE);
    await patiently(async () => (await release.pods()).length === 0, "the pods are gone", WAIT_MS);
    const left = async (): Promise<readonly string[]> =>
      (await clusterContents(cluster.controlPlane)).filter((one) => !before.includes(one));
    const ours = /^(MachineInventory|MachineRegistration|ManagedOSVersion|ManagedOSVersionChannel) fleet-default\//;
    const others = async (): Promise<readonly string[]> => (await left()).filter((one) => !ours.test(one));
    const expected = [
      ...CRDS,
      // They belong to the registrations, and go with them.
      `Secret ${HOME}/registration-crowd`,
      `Secret ${HOME}/registration-door`,
    ].toSorted();
    await patiently(async () => (await others()).length <= expected.length, "all else goes", MINUTE_MS).catch(
      () => undefined,
    );
    expect((await others()).toSorted()).toEqual(expected);
    expect((await left()).filter((one) => one.startsWith("MachineInventory "))).toHaveLength(2 + CONNECTIONS);
  });
});
