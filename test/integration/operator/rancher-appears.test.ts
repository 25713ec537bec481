/** Rancher comes after the operator, one kind after the other: each is used when it is there, and nobody complains before. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { startControlPlane, type ControlPlane } from "../../control-plane/control-plane.ts";
import { applyCrds } from "../../control-plane/apply-crds.ts";
import { createNamespace } from "../../control-plane/namespace.ts";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { kubectl } from "../../control-plane/kubectl.ts";
import { eventually, getObject, removeObject } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { complaints, type LogLine } from "../../operator/read-log.ts";
import { rancherCrds, rancherObject } from "../../operator/rancher-crds.ts";
import { readSamples } from "../../operator/read-samples.ts";

// A control plane of its own: Rancher's kinds are cluster-wide, and missing in this one at the beginning.
const { binariesFolder } = inject("controlPlane");
const folder = mkdtempSync(path.join(tmpdir(), "rancher-appears-"));
const namespace = "fleet-default";
const managed = "c-m-abc";
const SECRET = "shared-secret-of-the-machine";
/** Rancher is looked for each half minute. */
const CLOCK_FACTOR = 10;
let controlPlane: ControlPlane;
let operator: OperatorProcess;

beforeAll(async () => {
  controlPlane = await startControlPlane({ folder, binariesFolder });
  await applyCrds(controlPlane);
  for (const name of ["system", namespace]) await createNamespace(controlPlane, name);
  const apiVersion = "rancheros.cattle.io/v1";
  await applyObjects(
    controlPlane,
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "machine", namespace },
      type: "rancheros.cattle.io/token",
      stringData: { token: SECRET },
    },
    { apiVersion, kind: "MachineRegistration", metadata: { name: "door", namespace }, spec: {} },
    {
      apiVersion,
      kind: "MachineInventory",
      metadata: { name: "machine", namespace },
      spec: { clusterName: "c1", machineTokenSecretName: "machine" },
    },
  );
  // The API server answers 429 for kinds that it has just been given; kubectl asks again.
  await kubectl(controlPlane, ["get", "rancheros", "--all-namespaces"]);
  operator = await startOperator({
    folder,
    kubeconfigPath: controlPlane.kubeconfigPath,
    namespace: "system",
    serverUrl: "",
    // A Lease's deadlines would be ten times as short.
    flags: ["--leader-elect=false"],
    clock: { epochMs: Date.now(), factor: CLOCK_FACTOR },
  });
});

afterAll(async () => {
  await operator.stop();
  await controlPlane.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function apply(name: string): Promise<void> {
  const crd = rancherCrds().find((one) => JSON.stringify(one).includes(`"name":"${name}"`));
  if (crd === undefined) throw new Error(`there is no stand-in for ${name}`);
  await applyObjects(controlPlane, crd);
}

async function inventory() {
  return getObject(controlPlane, "minv", namespace, "machine");
}

async function ask(): Promise<string> {
  const headers = { Authorization: `Bearer ${Buffer.from(SECRET).toString("base64")}` };
  return (await fetch(`${operator.httpUrl}/v1-rancheros/inventory`, { headers })).text();
}

/**
 * On this clock a deadline of ten seconds is one of one second: that the API server is slower than that is not Rancher's
 * absence, nor is that the operator finds its clock wrong, which this one is.
 */
function aboutRancher(): readonly LogLine[] {
  return complaints(operator.log()).filter(
    ({ reason, message }) => reason !== "KUBERNETES_TIMEOUT" && !message.startsWith("this replica's clock is wrong"),
  );
}

/** How often the operator has asked for what is not there, by its own count. */
async function missesOf(resource: string): Promise<number> {
  return (await readSamples(operator.healthUrl))
    .filter(({ name, labels }) => name === "rancheros_kubernetes_requests_total" && labels["outcome"] === "not_found")
    .filter(({ labels }) => labels["resource"] === resource)
    .reduce((sum, { value }) => sum + value, 0);
}

it("Rancher is looked for again and again, and its absence is no trouble to anybody", async () => {
  await eventually(
    async () => ((await missesOf("settings")) >= 8 && (await missesOf("clusters")) >= 3 ? true : undefined),
    "two looks at each of four settings, and some for clusters",
    30_000,
  );
  const status = (await getObject(controlPlane, "mreg", namespace, "door"))?.status;
  expect(JSON.stringify(status?.["conditions"])).toContain("ServerURLNotSet");
  expect(await ask()).toBe("cluster token not assigned\n");
  expect(await operator.isReady()).toBe(true);
  // Nobody waits for Rancher's CA where there is no Rancher, once it is ready.
  const cacerts = await fetch(`${operator.httpUrl}/v1-rancheros/cacerts`);
  expect([cacerts.status, await cacerts.text()]).toEqual([200, expect.stringContaining("BEGIN CERTIFICATE")]);
  expect(aboutRancher()).toEqual([]);
});

it("its address makes URLs as soon as it is there", async () => {
  await apply("settings.management.cattle.io");
  await applyObjects(
    controlPlane,
    rancherObject("Setting", undefined, "server-url", { value: "https://rancher.test" }),
  );
  const url = await eventually(async () => {
    const status = (await getObject(controlPlane, "mreg", namespace, "door"))?.status;
    return status?.["registrationURL"];
  }, "the URL");
  expect(url).toMatch(/^https:\/\/rancher[.]test\/v1-rancheros\/registration\//);
  expect(aboutRancher()).toEqual([]);
});

it("a machine has its cluster's token once the cluster, its namespace and the kind of tokens are there, in whatever order", async () => {
  await apply("clusters.provisioning.cattle.io");
  await applyObjects(
    controlPlane,
    rancherObject("Cluster", namespace, "c1", { spec: {}, status: { clusterName: managed } }),
  );
  // It waits for the kind, and then for the namespace.
  await eventually(
    async () => ((await missesOf("clusterregistrationtokens")) > 0 ? true : undefined),
    "a look for a token",
    30_000,
  );
  await apply("clusterregistrationtokens.management.cattle.io");
  expect((await inventory())?.status?.["clusterRegistrationTokenName"]).toBeUndefined();
  await createNamespace(controlPlane, managed);
  await eventually(
    async () => (await inventory())?.status?.["clusterRegistrationTokenName"],
    "the token's name",
    30_000,
  );
  const patch = JSON.stringify({ status: { token: "t0k3n" } });
  const token = ["clusterregistrationtokens", `${managed}-machine-token`, `--namespace=${managed}`];
  await kubectl(controlPlane, ["patch", ...token, "--type=merge", `--patch=${patch}`]);
  expect(await ask()).toBe('{"token":"t0k3n"}\n');
});

it("a machine that is given to another cluster is handed the token of the first one no more, and that one goes", async () => {
  await createNamespace(controlPlane, "c-m-two");
  await applyObjects(
    controlPlane,
    rancherObject("Cluster", namespace, "c2", { spec: {}, status: { clusterName: "c-m-two" } }),
  );
  const move = ["patch", "minv", "machine", `--namespace=${namespace}`, "--type=merge", "--patch"];
  await kubectl(controlPlane, [...move, '{"spec":{"clusterName":"c2"}}']);
  expect(await ask()).toBe("cluster token not assigned\n");
  await eventually(
    async () =>
      (await inventory())?.status?.["clusterRegistrationTokenName"] === "c-m-two-machine-token" ? true : undefined,
    "the token of the second cluster",
    30_000,
  );
  const tokens = await kubectl(controlPlane, ["get", "clusterregistrationtokens", `--namespace=${managed}`]);
  expect(tokens).not.toContain("machine");
});

it("a machine's token goes with its inventory", async () => {
  const token = ["clusterregistrationtokens", "c-m-two", "c-m-two-machine-token"] as const;
  expect(await getObject(controlPlane, ...token)).toBeDefined();
  await removeObject(controlPlane, "minv", namespace, "machine");
  await eventually(
    async () => ((await getObject(controlPlane, ...token)) === undefined ? true : undefined),
    "that its token is gone too",
  );
  expect(aboutRancher()).toEqual([]);
});

it("its registry is that of images which name none, of those that wait for it too", async () => {
  const image = (name: string, osImage: string): object => ({
    apiVersion: "rancheros.cattle.io/v1",
    kind: "ManagedOSImage",
    metadata: { name, namespace },
    spec: { osImage },
  });
  const asked = async (name: string): Promise<string> =>
    JSON.stringify((await getObject(controlPlane, "mosi", namespace, name))?.status?.["conditions"] ?? []);
  await applyObjects(
    controlPlane,
    rancherObject("Setting", undefined, "system-default-registry", { value: "127.0.0.1:1/mirror/" }),
    image("without", "rancher/os2:v1"),
    image("with", "127.0.0.1:2/rancher/os2:v1"),
  );
  await eventually(
    async () => ((await asked("without")).includes("127.0.0.1:1: ") ? true : undefined),
    "a look at Rancher's registry",
    30_000,
  );
  await eventually(
    async () => ((await asked("with")).includes("127.0.0.1:2: ") ? true : undefined),
    "a look at its own",
    30_000,
  );
  expect((await getObject(controlPlane, "mosi", namespace, "without"))?.spec["osImage"]).toBe("rancher/os2:v1");
});
