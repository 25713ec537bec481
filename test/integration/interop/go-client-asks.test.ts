/** A machine built like rancherd asks our operator what it shall become, over a CA that it did not know before. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startControlPlane, type ControlPlane } from "../../control-plane/control-plane.ts";
import { applyCrds } from "../../control-plane/apply-crds.ts";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { kubectl } from "../../control-plane/kubectl.ts";
import { createNamespace } from "../../control-plane/namespace.ts";
import { BUILD_TIMEOUT_MS, buildLegacyPrograms } from "../../go/build.ts";
import { runLegacyClient } from "../../go/legacy-client.ts";
import { eventually, getObject } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { rancherCrds, rancherObject } from "../../operator/rancher-crds.ts";
import { startSwtpm, type Swtpm } from "../../swtpm/index.ts";

// Rancher's kinds are cluster-wide: a control plane of its own keeps them from the other tests.
const { binariesFolder } = inject("controlPlane");
const folder = mkdtempSync(path.join(tmpdir(), "go-client-asks-"));
const caPath = path.join(folder, "ca.pem");
const namespace = "fleet-default";
const config = {
  role: "server",
  nodeName: "node-a",
  labels: { zone: "z1" },
  taints: [{ key: "dedicated", value: "edge", effect: "NoSchedule" }],
};
let controlPlane: ControlPlane;
let operator: OperatorProcess;
let assigned: Swtpm;
let waiting: Swtpm;

beforeAll(async () => {
  await buildLegacyPrograms();
  const newTpm = (name: string, withEkCertificate: boolean) =>
    startSwtpm({ stateFolder: path.join(folder, name), withEkCertificate });
  [assigned, waiting, controlPlane] = await Promise.all([
    newTpm("assigned", true),
    newTpm("waiting", false),
    startControlPlane({ folder, binariesFolder }),
  ]);
  await applyCrds(controlPlane);
  await applyObjects(controlPlane, ...rancherCrds());
  for (const name of [namespace, "c-m-abc", "operator"]) await createNamespace(controlPlane, name);
  await applyObjects(
    controlPlane,
    secret("shared", "machine-secret"),
    secret("unassigned", "waiting-secret"),
    rancherObject("Cluster", namespace, "mycluster", { spec: {}, status: { clusterName: "c-m-abc" } }),
    inventory("by-tpm", { tpm: await hashOf(assigned), clusterName: "mycluster", config }),
    inventory("by-secret", { machineTokenSecretName: "shared", clusterName: "mycluster", config }),
    inventory("waiting-tpm", { tpm: await hashOf(waiting) }),
    inventory("waiting-secret", { machineTokenSecretName: "unassigned" }),
  );
  const { kubeconfigPath } = controlPlane;
  operator = await startOperator({ folder, kubeconfigPath, namespace: "operator" });
  for (const machine of ["by-tpm", "by-secret"]) await giveClusterToken(machine);
  writeFileSync(caPath, await (await fetch(`${operator.httpUrl}/v1-rancheros/cacerts`)).text());
}, BUILD_TIMEOUT_MS);

afterAll(async () => {
  await Promise.all([operator.stop(), assigned.stop(), waiting.stop()]);
  await controlPlane.stop();
  rmSync(folder, { recursive: true, force: true });
});

function secret(name: string, token: string): object {
  const type = "rancheros.cattle.io/token";
  return { apiVersion: "v1", kind: "Secret", metadata: { name, namespace }, type, stringData: { token } };
}

function inventory(name: string, spec: object): object {
  return { apiVersion: "rancheros.cattle.io/v1", kind: "MachineInventory", metadata: { name, namespace }, spec };
}

/** What Rancher does when it sees the ClusterRegistrationToken that the operator made. */
async function giveClusterToken(machine: string): Promise<void> {
  const name = await eventually(async () => {
    const status = (await getObject(controlPlane, "machineinventory", namespace, machine))?.status;
    const made = status?.["clusterRegistrationTokenName"];
    return typeof made === "string" ? made : undefined;
  }, `the token of ${machine}`);
  const patch = JSON.stringify({ status: { token: `crt-of-${machine}` } });
  const args = ["patch", "clusterregistrationtokens", name, "--namespace=c-m-abc", "--type=merge", `--patch=${patch}`];
  await kubectl(controlPlane, args);
}

const hashOf = async (tpm: Swtpm) => (await runLegacyClient(["hash", "--tpm", `127.0.0.1:${tpm.port}`])).stdout.trim();

const byTpm = (tpm: Swtpm) => ["--tpm", `127.0.0.1:${tpm.port}`, "--token", "tpm://"];
const bySecret = (token: string) => ["--token", token];

async function answered(who: readonly string[], name: string, environment: Readonly<Record<string, string>> = {}) {
  // What Rancher wrote reaches the operator a moment later.
  return eventually(async () => {
    const outcome = await runLegacyClient(["inventory", operator.httpsUrl, ...who], environment);
    return outcome.stderr.includes("cluster token not assigned") ? undefined : outcome;
  }, `the answer for ${name}`);
}

describe("the Go client's inventory", () => {
  it.each([
    ["by its TPM", () => byTpm(assigned), "by-tpm"],
    ["by a shared secret", () => bySecret("machine-secret"), "by-secret"],
  ])("comes %s, over a CA that the operator signed for it", async (_how, who, name) => {
    const outcome = await answered(who(), name);
    expect(outcome.stderr).toMatch(/^checksum [0-9a-f]{64}\n/);
    expect(JSON.parse(outcome.stdout)).toEqual({
      role: "server",
      nodeName: "node-a",
      labels: ["zone=z1"],
      taints: ["dedicated=edge:NoSchedule"],
      token: `crt-of-${name}`,
    });
  });

  it("comes without a CA where the system trusts the operator's", async () => {
    const outcome = await answered(bySecret("machine-secret"), "by-secret", { SSL_CERT_FILE: caPath });
    expect(outcome.stderr).toBe("the system trusts the server\n");
    expect(JSON.parse(outcome.stdout)).toMatchObject({ token: "crt-of-by-secret" });
  });

  it.each([
    ["by its TPM", () => byTpm(waiting)],
    ["by a shared secret", () => bySecret("waiting-secret")],
  ])("asked for %s, shows a person that no cluster is assigned yet", async (_how, who) => {
    const outcome = await runLegacyClient(["inventory", operator.httpsUrl, ...who()]);
    expect(outcome).toMatchObject({ status: 1, stdout: "" });
    expect(outcome.stderr).toMatch(/legacy-client: from machine inventory: .*cluster not assigned/);
  });

  it("is refused to an unknown TPM, with the operator's sentence", async () => {
    const tpm = await startSwtpm({ stateFolder: path.join(folder, "unknown"), withEkCertificate: false });
    try {
      const outcome = await runLegacyClient(["inventory", operator.httpsUrl, ...byTpm(tpm)], { SSL_CERT_FILE: caPath });
      expect(outcome).toMatchObject({ status: 1, stdout: "" });
      expect(outcome.stderr).toContain("from machine inventory: machine not found\n");
    } finally {
      await tpm.stop();
    }
  });
});

describe("the Go client's check of the CA", () => {
  it.each([
    ["a TPM", () => byTpm(assigned)],
    ["a TPM without a cluster", () => byTpm(waiting)],
    ["a shared secret", () => bySecret("machine-secret")],
  ])("passes for %s that the operator knows", async (_who, who) => {
    const outcome = await runLegacyClient(["cacerts", operator.httpsUrl, ...who()]);
    expect(outcome.status).toBe(0);
    expect(outcome.stdout).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
    expect(outcome.stdout).toBe(await (await fetch(`${operator.httpUrl}/v1-rancheros/cacerts`)).text());
  });

  it("fails for a secret that the operator does not know, and then nothing is asked", async () => {
    for (const command of ["cacerts", "inventory"]) {
      const outcome = await runLegacyClient([command, operator.httpsUrl, ...bySecret("wrong-secret")]);
      expect(outcome).toMatchObject({ status: 1, stdout: "" });
      expect(outcome.stderr).toMatch(/response hash \(\) does not match \([A-Za-z0-9+/]{86}==\)\n$/);
    }
  });
});
