/** Secrets go through every flow at log level debug, and stand afterwards where they belong and nowhere else. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { EMPTY_REPORT } from "@rancheros/protocol/attestation";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { startControlPlane, type ControlPlane } from "../../control-plane/control-plane.ts";
import { applyCrds } from "../../control-plane/apply-crds.ts";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { kubectl, kubectlJson } from "../../control-plane/kubectl.ts";
import { createNamespace } from "../../control-plane/namespace.ts";
import { LEGACY_ATTACKS } from "../../hostile/attacks.ts";
import { canariesIn, plant, type Canary } from "../../hostile/canary.ts";
import { askMachine, channelAt, Refusal, report, send, visitAttested } from "../../machine/attested-visit.ts";
import { visit } from "../../machine/visit.ts";
import { eventually, getObject, listInventories, makeRegistration } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { rancherCrds, rancherObject } from "../../operator/rancher-crds.ts";
import { createSoftwareTpm, generateAttestationKey } from "../../software-tpm/index.ts";

// Rancher's kinds are cluster-wide: a control plane of its own keeps them from the other tests.
const { binariesFolder } = inject("controlPlane");
const folder = mkdtempSync(path.join(tmpdir(), "canary-"));
const namespace = "canary";
const ak = generateAttestationKey("rsa");
const tpm = createSoftwareTpm({ ak });
const cloudConfig = plant("cloudConfig");
const machineToken = plant("machine token");
const clusterToken = plant("cluster token");
let registrationToken: Canary;
let sessionToken: Canary | undefined;
let privateKeys: readonly Canary[] = [];
let controlPlane: ControlPlane;
let operator: OperatorProcess;
let url: string;
/** All that was said to clients that were refused. */
const told: string[] = [];

beforeAll(async () => {
  controlPlane = await startControlPlane({ folder: path.join(folder, "control-plane"), binariesFolder });
  await applyCrds(controlPlane);
  await applyObjects(controlPlane, ...rancherCrds());
  for (const name of [namespace, "c-m-abc"]) await createNamespace(controlPlane, name);
  operator = await startOperator({
    folder: path.join(folder, "operator"),
    kubeconfigPath: controlPlane.kubeconfigPath,
    namespace,
    flags: ["--log-level=debug"],
  });
  const { token } = await makeRegistration(controlPlane, namespace, "door", {
    cloudConfig: { users: [{ name: "root", passwd: cloudConfig.text }] },
  });
  registrationToken = { name: "registration token", text: token };
  url = `${operator.httpUrl}/v1-rancheros/registration/${token}`;
});

afterAll(async () => {
  await operator.stop();
  await controlPlane.stop();
  rmSync(folder, { recursive: true, force: true });
});

function canaries(): readonly Canary[] {
  const session = sessionToken === undefined ? [] : [sessionToken];
  return [cloudConfig, machineToken, clusterToken, registrationToken, ...session, ...privateKeys];
}

async function setClusterToken(machine: string): Promise<void> {
  const status = await eventually(async () => {
    const found = (await getObject(controlPlane, "machineinventory", namespace, machine))?.status;
    return typeof found?.["clusterRegistrationTokenName"] === "string" ? found : undefined;
  }, `the token of ${machine}`);
  await kubectl(controlPlane, [
    "patch",
    "clusterregistrationtokens",
    String(status["clusterRegistrationTokenName"]),
    "--namespace=c-m-abc",
    "--type=merge",
    `--patch=${JSON.stringify({ status: { token: clusterToken.text } })}`,
  ]);
}

/** The same by our own protocol: a config that comes sealed, a session, a report, and what is refused of them. */
async function attestedVisits(): Promise<void> {
  const next = (): string => operator.httpUrl;
  const channel = await channelAt(operator.httpsUrl);
  const through = (token: string) => {
    const purpose = { kind: "registration", token } as const;
    return { next, tpm: createSoftwareTpm({ ak }), channel, purpose, report: EMPTY_REPORT };
  };
  const admission = await visitAttested(through(registrationToken.text));
  expect(JSON.stringify(admission.config)).toContain(cloudConfig.text);
  const { token } = admission.session;
  sessionToken = { name: "session token", text: token };
  expect((await askMachine(next, token)).approval).toBe("Approved");
  await report(next, token, { ...EMPTY_REPORT, agentVersion: "0.1.0" });
  const wrong: unknown = await visitAttested(through(`${registrationToken.text}x`)).catch((error: unknown) => error);
  expect(wrong).toBeInstanceOf(Refusal);
  told.push(String(wrong));
  for (const [step, body, options] of [
    ["machine", undefined, { method: "GET", token: `${token}x` }],
    ["report", Buffer.from(JSON.stringify({ labels: machineToken.text })), { method: "PUT", token }],
    ["attest", Buffer.from(machineToken.text), {}],
    ["answer", Buffer.from(JSON.stringify({ protocol: 2, state: machineToken.text })), {}],
    [machineToken.text, Buffer.from("{}"), {}],
  ] as const) {
    const reply = await send(next(), step, body, options);
    expect(reply.status).toBeGreaterThanOrEqual(400);
    told.push(reply.body.toString());
  }
}

it("every flow goes its way with the secrets in it", { timeout: 180_000 }, async () => {
  // A machine registers, comes again, and is given its configuration.
  const registered = await visit({ url, tpm });
  expect(registered.payload).toContain(cloudConfig.text);
  await visit({ url, tpm });
  const [machine] = await listInventories(controlPlane, namespace);
  const name = machine?.metadata.name ?? "";
  const spec = { clusterName: "c", config: { role: "server" } };
  const cluster = rancherObject("Cluster", namespace, "c", { status: { clusterName: "c-m-abc" } });
  const byToken = {
    apiVersion: "rancheros.cattle.io/v1",
    kind: "MachineInventory",
    metadata: { name: "by-token", namespace },
    spec: { ...spec, machineTokenSecretName: "shared" },
  };
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "shared", namespace },
    type: "rancheros.cattle.io/token",
    stringData: { token: machineToken.text },
  };
  await applyObjects(controlPlane, cluster, secret, byToken);
  const patch = JSON.stringify({ spec });
  await kubectl(controlPlane, [
    "patch",
    "machineinventory",
    name,
    `--namespace=${namespace}`,
    "--type=merge",
    `--patch=${patch}`,
  ]);
  for (const one of [name, "by-token"]) await setClusterToken(one);
  const inventory = `${operator.httpUrl}/v1-rancheros/inventory`;
  const bearer = { Authorization: `Bearer ${Buffer.from(machineToken.text).toString("base64")}` };
  const given = await eventually(async () => {
    const answer = await fetch(inventory, { headers: bearer });
    return answer.status === 200 ? answer.text() : undefined;
  }, "the configuration");
  expect(given).toContain(clusterToken.text);
  expect((await visit({ url: inventory, tpm })).payload).toContain(clusterToken.text);

  await attestedVisits();

  // What goes wrong, with the secrets in what is asked.
  const scene = { url, origin: operator.httpUrl, ak };
  for (const attack of LEGACY_ATTACKS.filter(({ reason }) => reason !== "SESSION_SILENT")) {
    told.push((await attack.run(scene)).text);
  }
  for (const [where, init] of [
    [`${url}x`, {}],
    [`${url}?${machineToken.text}`, {}],
    [inventory, { headers: { Authorization: `Bearer ${Buffer.from(`${machineToken.text}x`).toString("base64")}` } }],
    [inventory, { headers: { Authorization: `Basic ${btoa(machineToken.text)}` } }],
    [inventory, { method: "POST", body: machineToken.text }],
    [`${operator.httpUrl}/v1-rancheros/${machineToken.text}`, {}],
    [`${operator.httpUrl}/v1-rancheros/cacerts`, { headers: { ...bearer, "X-Cattle-Nonce": "n" } }],
  ] as const) {
    const answer = await fetch(where, init);
    // Who has the token may read the address that it stands in; all others are refused.
    if (answer.status !== 200) told.push(await answer.text());
  }
  const { items } = (await kubectlJson(controlPlane, ["get", "secrets", `--namespace=${namespace}`])) as {
    readonly items: readonly { readonly metadata: { readonly name: string }; readonly data?: Record<string, string> }[];
  };
  // Keys that the operator made for itself: of TLS, and whatever seals and signs.
  privateKeys = items
    .filter(({ metadata }) => metadata.name !== "shared")
    .flatMap(({ metadata, data = {} }) =>
      Object.entries(data).map(([key, value]) => ({
        name: `${metadata.name}/${key}`,
        text: Buffer.from(value, "base64").toString("latin1"),
      })),
    )
    .filter(({ name, text }) => !/crt|cert|url/i.test(name) && text.length >= 32 && text !== registrationToken.text)
    // The middle of a PEM: its first lines are the same for all keys.
    .map(({ name, text }) => ({ name, text: text.slice(text.length / 2, text.length / 2 + 32) }));
  expect(privateKeys.length).toBeGreaterThan(0);
});

it("finds what it looks for, where it belongs", async () => {
  const registration = await kubectl(controlPlane, ["get", "machineregistrations", "-A", "--output=yaml"]);
  expect(canariesIn(registration, canaries())).toEqual(expect.arrayContaining(["cloudConfig"]));
  const secrets = await kubectl(controlPlane, ["get", "secrets", "-A", "--output=json"]);
  expect(canariesIn(secrets, canaries())).toEqual(expect.arrayContaining(["machine token"]));
});

it("no log line has a secret, at level debug", () => {
  expect(operator.log().length).toBeGreaterThan(1_000);
  expect(canariesIn(operator.log(), canaries())).toEqual([]);
});

it("no refusal tells a secret", () => {
  expect(canariesIn(told.join("\n"), canaries())).toEqual([]);
});

it("no Event, no inventory and no status of Rancher's cluster has a secret that does not belong there", async () => {
  const events = await kubectl(controlPlane, ["get", "events.v1.events.k8s.io", "-A", "--output=json"]);
  expect(canariesIn(events, canaries())).toEqual([]);
  const inventories = await kubectl(controlPlane, ["get", "machineinventories", "-A", "--output=json"]);
  expect(canariesIn(inventories, canaries())).toEqual([]);
  const registration = await getObject(controlPlane, "machineregistration", namespace, "door");
  // Of a status only the two fields that are kept for compatibility, and the Secret they come from.
  const { registrationToken: _token, registrationURL: _url, ...status } = registration?.status ?? {};
  expect(canariesIn(JSON.stringify(status), canaries())).toEqual([]);
  const rest = await kubectl(controlPlane, ["get", "configmaps,leases", "-A", "--output=json"]);
  expect(canariesIn(rest, canaries())).toEqual([]);
});

it("no command line, environment, metric or health page has a secret", async () => {
  for (const file of ["cmdline", "environ"]) {
    expect(canariesIn(readFileSync(`/proc/${operator.pid}/${file}`, "latin1"), canaries())).toEqual([]);
  }
  expect(await (await fetch(`${operator.healthUrl}/metrics`)).text()).toContain("rancheros_decisions_total{");
  for (const page of ["/metrics", "/healthz", "/readyz"]) {
    expect(canariesIn(await (await fetch(operator.healthUrl + page)).text(), canaries())).toEqual([]);
  }
});
