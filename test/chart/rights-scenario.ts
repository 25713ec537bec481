/** All that an operator does at its API server, in one go: what each of its rights is for. */
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { ApiClient } from "../control-plane/api-client.ts";
import type { ControlPlane } from "../control-plane/control-plane.ts";
import { applyObjects } from "../control-plane/apply-objects.ts";
import { kubectl } from "../control-plane/kubectl.ts";
import { createNamespace } from "../control-plane/namespace.ts";
import { channelAt, visitAttested } from "../machine/attested-visit.ts";
import { joinMachines } from "../machine/join-machines.ts";
import { playMachine } from "../machine/played-machine.ts";
import { dial } from "../machine/visit.ts";
import { fleetObject } from "../operator/fleet-crds.ts";
import { testChannels } from "../operator/channels.ts";
import {
  eventually,
  getObject,
  listObjects,
  makeRegistration,
  patchObject,
  patchStatus,
  removeObject,
} from "../operator/objects.ts";
import { startOperator, type OperatorOptions, type OperatorProcess } from "../operator/operator-process.ts";
import { rancherObject } from "../operator/rancher-crds.ts";
import { rolloutImages } from "../operator/rollout-images.ts";
import { ageMasterKey, readMasterKeys } from "../operator/seal-keys.ts";
import { startStrangeServer } from "../registry/strange-server.ts";
import { createSoftwareTpm, generateAttestationKey } from "../software-tpm/index.ts";
import { renderChart } from "./render-chart.ts";

const RACE_TIMEOUT_MS = 30_000;
const TWO_DAYS_MS = 2 * 24 * 3_600_000;
const TOKEN_TYPE = "rancheros.cattle.io/registration-token";

export interface ScenarioPlace {
  readonly folder: string;
  /** Of the operator. */
  readonly namespace: string;
  /** Of its objects. */
  readonly home: string;
  /** "" or home. */
  readonly watchNamespace: string;
}

/** What the chart is installed with: first objects in the place's home. */
export function scenarioValues({ home, watchNamespace }: ScenarioPlace): object {
  const isLocal = home === "fleet-local";
  return {
    watchNamespace,
    channels: { custom: true },
    defaultRegistration: { enabled: true, namespace: home, spec: { disabled: true } },
    defaultOSImage: { enabled: isLocal, osImage: `example.com/os@sha256:${"0".repeat(64)}`, spec: { suspend: true } },
  };
}

/** Whether the operators have asked for this already: two replicas get into each other's way by chance only. */
export type HasAsked = (verb: string, resource: string) => boolean;

/** Plays it with two replicas; afterwards they are stopped. */
export async function playRightsScenario(
  controlPlane: ControlPlane,
  place: ScenarioPlace,
  hasAsked: HasAsked,
): Promise<void> {
  const { namespace, home } = place;
  for (const name of [namespace, home]) await createNamespace(controlPlane, name);
  const managed = `c-m-${home}`;
  await createNamespace(controlPlane, managed);
  await applyObjects(
    controlPlane,
    rancherObject("Setting", undefined, "server-url", { value: "https://rancher.example.com" }),
    rancherObject("Cluster", home, "c1", { spec: {}, status: { clusterName: managed } }),
    fleetObject("Cluster", home, "c1"),
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "anchors", namespace: home }, data: {} },
    pullSecret(home),
    leftOverSecret(home),
  );
  const options = await operatorOptions(controlPlane, place);
  const operators = [
    await startOperator({ ...options, name: "one" }),
    await startOperator({ ...options, name: "two" }),
  ];
  try {
    await registrations(controlPlane, home);
    await versions(controlPlane, home);
    await machines(controlPlane, home, managed, operators);
    await writeAtOnce(controlPlane, home, hasAsked);
    await tooMany(controlPlane, home, operators, hasAsked);
    await refusedAgain(controlPlane, home, operators);
  } finally {
    await Promise.all(operators.map((one) => one.stop()));
  }
  await renewals(controlPlane, namespace, options);
}

async function operatorOptions(
  { kubeconfigPath }: ControlPlane,
  place: ScenarioPlace,
): Promise<OperatorOptions & { readonly flags: readonly string[] }> {
  const { namespace, watchNamespace } = place;
  const folder = path.join(place.folder, namespace);
  const chartValues = scenarioValues(place);
  const objects = await renderChart({ name: namespace, namespace, values: chartValues });
  const files = objects.find(({ kind, metadata }) => kind === "ConfigMap" && metadata.name.endsWith("-files"))?.[
    "data"
  ];
  const defaultsFile = path.join(place.folder, `${namespace}-defaults.yaml`);
  writeFileSync(defaultsFile, (files as Readonly<Record<string, string>>)["defaults.yaml"] ?? "");
  return {
    folder,
    kubeconfigPath,
    namespace,
    chartValues,
    serverUrl: "https://rancher.example.com",
    flags: [`--defaults-file=${defaultsFile}`, "--channel-pod-image=example.com/operator:v1"],
    ...(watchNamespace === "" ? {} : { watchNamespace }),
  };
}

function pullSecret(namespace: string): object {
  const stringData = { ".dockerconfigjson": '{"auths":{}}' };
  const metadata = { name: "pull", namespace };
  return { apiVersion: "v1", kind: "Secret", type: "kubernetes.io/dockerconfigjson", metadata, stringData };
}

/** As a registration of the same name that is gone left it. */
function leftOverSecret(namespace: string): object {
  const owner = { apiVersion: "rancheros.cattle.io/v1", kind: "MachineRegistration", name: "again", uid: randomUUID() };
  const metadata = { name: "registration-again", namespace, ownerReferences: [owner] };
  return { apiVersion: "v1", kind: "Secret", type: TOKEN_TYPE, metadata, stringData: { token: "a".repeat(54) } };
}

async function registrations(controlPlane: ControlPlane, home: string): Promise<void> {
  const made = await makeRegistration(controlPlane, home, "again", {
    attestation: { trustAnchors: { configMapName: "anchors" } },
  });
  if (made.token === "a".repeat(54)) throw new Error("the token of a registration that is gone was taken over");
  await patchObject(controlPlane, "mreg", home, "again", { spec: { token: { rotation: 1 } } });
  await eventually(async () => {
    const status = (await getObject(controlPlane, "mreg", home, "again"))?.status;
    return status?.["registrationToken"] === made.token ? undefined : true;
  }, "another token");
  await eventually(async () => getObject(controlPlane, "mreg", home, "default"), "the default registration");
}

/** One by hand; a channel whose list changes, whose versions are changed, and whose names are taken; a pod. */
async function versions(controlPlane: ControlPlane, home: string): Promise<void> {
  const spec = (version: string): object => ({ version, metadata: { upgradeImage: `example.com/os:${version}` } });
  const entry = (name: string): object => ({ metadata: { name }, spec: spec("v1.0.0") });
  const metadata = { name: "taken", namespace: home };
  const group = "rancheros.cattle.io/v1";
  await applyObjects(controlPlane, { apiVersion: group, kind: "ManagedOSVersion", metadata, spec: spec("v1.0.0") });
  await kubectl(controlPlane, ["wait", "--for=condition=Usable", "mosv/taken", "-n", home, "--timeout=30s"]);
  let list = [entry("taken"), entry("stays"), entry("goes")];
  const server = await startStrangeServer((_, response) => response.end(JSON.stringify(list)));
  const channels = testChannels(controlPlane, home);
  try {
    await channels.make("list", { type: "json", options: { uri: `http://${server.host}/` } });
    await channels.tried("list");
    await patchObject(controlPlane, "mosv", home, "stays", { spec: { version: "v2.0.0" } });
    list = [entry("stays")];
    await channels.request("list");
    const since = await channels.statusOf("list");
    await channels.change("list", { deleteNoLongerInSyncVersions: true });
    await channels.tried("list", since);
    if ([...(await channels.versions()).keys()].join() !== "stays,taken")
      throw new Error("the channel's versions differ");
    await channels.make("box", { type: "custom", options: { image: "example.com/lister:v1" } });
    const pod = "versions-box";
    await eventually(async () => getObject(controlPlane, "pod", home, pod), "the channel's pod");
    await patchStatus(controlPlane, "pod", home, pod, { phase: "Succeeded" });
    // It runs nowhere, and has no log: that is what is said.
    await channels.tried("box");
    await kubectl(controlPlane, ["delete", "mosvc", "--all", `--namespace=${home}`]);
  } finally {
    await server.stop();
  }
}

async function machines(
  controlPlane: ControlPlane,
  home: string,
  managed: string,
  [operator]: readonly OperatorProcess[],
): Promise<void> {
  const [httpUrl, httpsUrl] = [operator?.httpUrl ?? "", operator?.httpsUrl ?? ""];
  const next = (): string => httpUrl;
  const [machine] = await joinMachines(controlPlane, {
    namespace: home,
    httpsUrl,
    next,
    machines: [{ clusterName: "c1" }],
  });
  if (machine === undefined) throw new Error("no machine has come in");
  const playing = playMachine(machine, { next, askEveryMs: 200, phaseMs: 10, onDown: () => undefined });
  try {
    await rollout(controlPlane, home);
  } finally {
    machine.isOver = true;
    await playing;
  }
  await leftByTheOriginal(controlPlane, home, managed);
  const tokens = async () => listObjects(controlPlane, "clusterregistrationtokens", managed);
  await eventually(async () => ((await tokens()).length === 0 ? undefined : true), "the machine's cluster token");
  await removeObject(controlPlane, "minv", home, machine.name);
  await eventually(
    async () => ((await tokens()).length === 0 ? true : undefined),
    "the end of the deleted machine's cluster token",
  );
}

/** Its operator has put a finalizer on it, and made a token that does not say whose it is. */
async function leftByTheOriginal(controlPlane: ControlPlane, home: string, managed: string): Promise<void> {
  const finalizers = ["wrangler.cattle.io/machine-inventory-remove"];
  const token = `${managed}-left-token`;
  await applyObjects(
    controlPlane,
    rancherObject("ClusterRegistrationToken", managed, token, { spec: { clusterName: managed } }),
    {
      apiVersion: "rancheros.cattle.io/v1",
      kind: "MachineInventory",
      metadata: { name: "left", namespace: home, finalizers },
      spec: { clusterName: "c1" },
    },
  );
  await eventually(
    async () => ((await getObject(controlPlane, "minv", home, "left"))?.metadata.finalizers ? undefined : true),
    "the end of the original's finalizer",
  );
  await eventually(async () => {
    const { metadata } = (await getObject(controlPlane, "clusterregistrationtokens", managed, token)) ?? {};
    return metadata?.labels?.["rancheros.cattle.io/machine-inventory-uid"];
  }, "the mark on the original's token");
  await eventually(
    async () => (await getObject(controlPlane, "minv", home, "left"))?.status?.["clusterRegistrationTokenName"],
    "the word about it in its machine's status",
  );
  await removeObject(controlPlane, "minv", home, "left");
}

async function rollout(controlPlane: ControlPlane, home: string): Promise<void> {
  const images = rolloutImages(controlPlane, home);
  if (home === "fleet-local") {
    await eventually(async () => getObject(controlPlane, "mosi", home, "default-os-image"), "the default image");
    await images.change("default-os-image", { suspend: false });
    await images.until("default-os-image", "Complete", ({ state }) => state === "Complete");
    return;
  }
  const osImage = `example.com/os@sha256:${"1".repeat(64)}`;
  await images.make("os", { osImage, imagePullSecrets: [{ name: "pull" }], targets: [{ clusterName: "c1" }] });
  await images.until("os", "Complete", ({ state }) => state === "Complete");
}

/** Somebody changes an image as fast as he can, until the operator's word about it comes too late and it reads it again. */
async function writeAtOnce(controlPlane: ControlPlane, home: string, hasAsked: HasAsked): Promise<void> {
  const name = home === "fleet-local" ? "default-os-image" : "os";
  const path = `/apis/rancheros.cattle.io/v1/namespaces/${home}/managedosimages/${name}`;
  const client = new ApiClient(controlPlane, controlPlane);
  const deadline = performance.now() + RACE_TIMEOUT_MS;
  try {
    for (let count = 1; count % 20 !== 0 || !hasAsked("get", "managedosimages"); count += 1) {
      if (performance.now() > deadline) throw new Error(`no write of the operator met another one, in ${count} tries`);
      await client.mergePatch(path, { spec: { concurrency: 1 + (count % 9) } });
    }
  } finally {
    await client.close();
  }
}

/** Two machines come through two replicas at once where there is room for one, until both were made and one was taken back. */
async function tooMany(
  controlPlane: ControlPlane,
  home: string,
  operators: readonly OperatorProcess[],
  hasAsked: HasAsked,
): Promise<void> {
  const channel = await channelAt(operators[0]?.httpsUrl ?? "");
  const ak = generateAttestationKey("rsa");
  for (let count = 0; !hasAsked("delete", "machineinventories") && count < 50; count += 1) {
    const { token } = await makeRegistration(controlPlane, home, `one-${count}`, { token: { maxMachines: 1 } });
    const purpose = { kind: "registration", token } as const;
    const visits = operators.map(async ({ httpUrl }) =>
      visitAttested({ next: () => httpUrl, tpm: createSoftwareTpm({ ak }), channel, purpose }),
    );
    const letIn = (await Promise.allSettled(visits)).filter(({ status }) => status === "fulfilled");
    if (letIn.length !== 1) throw new Error(`${letIn.length} machines came in where there was room for one`);
  }
}

/** The same again is the same Event, counted up. */
async function refusedAgain(
  controlPlane: ControlPlane,
  home: string,
  [operator]: readonly OperatorProcess[],
): Promise<void> {
  const { token } = await makeRegistration(controlPlane, home, "strict");
  const url = `${operator?.httpUrl ?? ""}/v1-rancheros/registration/${token}`;
  const tpm = createSoftwareTpm({ ekRsaBits: 1024 });
  await eventually(async () => {
    await dial({ url, tpm });
    const events = await listObjects(controlPlane, "events.events.k8s.io", home);
    return events.some((event) => "series" in event) ? true : undefined;
  }, "an Event that has happened again");
}

/** The operator's own Secrets: keys that are a day old, and a certificate that lacks a name. */
async function renewals(
  controlPlane: ControlPlane,
  namespace: string,
  options: OperatorOptions & { readonly flags: readonly string[] },
): Promise<void> {
  const [key] = await readMasterKeys(controlPlane, namespace);
  if (key === undefined) throw new Error("there is no session key");
  await ageMasterKey(controlPlane, namespace, key, TWO_DAYS_MS);
  await kubectl(controlPlane, [
    "annotate",
    "secret/rancheros-operator-tls",
    `--namespace=${namespace}`,
    "rancheros.cattle.io/rotate-ca=now",
  ]);
  const flags = [...options.flags, "--tls-san=renewed.example.com"];
  const operator = await startOperator({ ...options, name: "three", flags });
  try {
    await eventually(async () => {
      const keys = await readMasterKeys(controlPlane, namespace);
      return keys.some(({ id }) => !id.equals(key.id)) ? true : undefined;
    }, "a new session key");
    await eventually(async () => {
      const published = await getObject(controlPlane, "configmap", namespace, "rancheros-operator-ca");
      return JSON.stringify(published).split("BEGIN CERTIFICATE").length === 3 ? true : undefined;
    }, "a second CA in the trust bundle");
  } finally {
    await operator.stop();
  }
}
