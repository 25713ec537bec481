/** MachineInventories of a newer chart, or of the original's CRDs, which this operator cannot read: their machines are not lost. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { adminClient } from "../../control-plane/admin-client.ts";
import { applyCrds } from "../../control-plane/apply-crds.ts";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { startControlPlane, type ControlPlane } from "../../control-plane/control-plane.ts";
import { createNamespace } from "../../control-plane/namespace.ts";
import { certificateFor } from "../../hostile/doors.ts";
import { channelAt, visitAttested } from "../../machine/attested-visit.ts";
import { attestedVisits } from "../../machine/attested-visits.ts";
import { tellStatus } from "../../machine/upgrading-machine.ts";
import { dial, visit } from "../../machine/visit.ts";
import {
  eventually,
  getObject,
  listInventories,
  makeRegistration,
  patchObject,
  patchStatus,
  type AnyObject,
} from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import {
  createAuthority,
  createSoftwareTpm,
  generateAttestationKey,
  generateRsaEndorsementKey,
  softwareTpm,
  type SoftwareTpm,
} from "../../software-tpm/index.ts";

const CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/machineinventories.rancheros.cattle.io";
const DEADLINE_MS = 60_000;
const namespace = "fleet-default";
const INVENTORIES = `/apis/rancheros.cattle.io/v1/namespaces/${namespace}/machineinventories`;
const folder = mkdtempSync(path.join(tmpdir(), "newer-inventory-"));
const maker = createAuthority("Example maker");
const ak = generateAttestationKey("rsa");
let target: ControlPlane;
let operator: OperatorProcess;
let channel: Buffer;
let token: string;
let ours: object;

const next = () => operator.httpUrl;
const { registering, goingOn } = attestedVisits(() => ({ next, channel, token }));

async function inventoryOf({ ekHash }: SoftwareTpm): Promise<AnyObject> {
  const found = (await listInventories(target, namespace)).find(({ spec }) => spec["tpm"] === ekHash);
  if (found === undefined) throw new Error("no inventory");
  return found;
}

type Crd = Readonly<Record<string, unknown>>;

/** Another chart's CRD in place of the one that is there. */
async function takeCrd(change: (found: Crd) => object): Promise<void> {
  const client = await adminClient(target);
  await client.replace(CRD, change((await client.get(CRD)) as Crd));
}

/** Words that a newer operator may write, and labels as the original's CRDs take them. */
function wider(found: Crd): object {
  const words = [
    ['"enum":["hardware","virtual","none"]', '"enum":["hardware","virtual","none","quantum"]'],
    ['"enum":["Idle",', '"enum":["Rehearsing","Idle",'],
    ['"enum":["True","False","Unknown"]', '"enum":["True","False","Unknown","Perhaps"]'],
  ] as const;
  let text = JSON.stringify(found);
  for (const [from, to] of words) {
    if (!text.includes(from)) throw new Error(`the CRD has no ${from}`);
    text = text.replace(from, to);
  }
  return JSON.parse(text, (key, value: unknown) => {
    const isLabels = key === "labels" && JSON.stringify(value).includes("Labels of the Kubernetes node.");
    return isLabels ? { type: "object", "x-kubernetes-preserve-unknown-fields": true } : value;
  }) as object;
}

async function isTaken(write: () => Promise<void>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch {
    return false;
  }
}

/** Writes under the wider CRD, and comes back to ours, as `helm rollback` does. */
async function underWider(write: () => Promise<void>): Promise<void> {
  await takeCrd(wider);
  // The API server takes a changed CRD up a moment after it has said so.
  await eventually(async () => ((await isTaken(write)) ? true : undefined), "the API server takes newer words");
  await takeCrd((found) => ({ ...found, spec: ours }));
  // What is bad and stays as it is, the API server takes.
  const say = (phase: string) => patchStatus(target, "minv", namespace, "probe", { upgrade: { phase } });
  await eventually(async () => {
    await say("Idle");
    return (await isTaken(() => say("Rehearsing"))) ? undefined : true;
  }, "the API server takes newer words no more");
}

async function make(inventory: object): Promise<void> {
  const object = { apiVersion: "rancheros.cattle.io/v1", kind: "MachineInventory", ...inventory };
  await (await adminClient(target)).create(INVENTORIES, object);
}

async function start(name: string): Promise<void> {
  const { kubeconfigPath } = target;
  const serverUrl = "https://rancher.example.com";
  operator = await startOperator({ folder, kubeconfigPath, namespace, watchNamespace: namespace, serverUrl, name });
  channel = await channelAt(operator.httpsUrl);
}

beforeAll(async () => {
  target = await startControlPlane({ folder });
  await applyCrds(target);
  ours = ((await (await adminClient(target)).get(CRD)) as { readonly spec: object }).spec;
  await createNamespace(target, namespace);
  const metadata = { name: "roots", namespace };
  await applyObjects(target, { apiVersion: "v1", kind: "ConfigMap", metadata, data: { "hardware.pem": maker.pem } });
  await make({ metadata: { name: "probe", namespace }, spec: {} });
  await start("first");
  const attestation = { trustAnchors: { configMapName: "roots" } };
  ({ token } = await makeRegistration(target, namespace, "door", { attestation }));
});
afterAll(async () => {
  await operator.stop();
  await target.stop();
  rmSync(folder, { recursive: true });
});

it(
  "words of the status that are not known keep no machine out, and are written over",
  { timeout: DEADLINE_MS },
  async () => {
    const tpm = createSoftwareTpm({ ak });
    const { session } = await visitAttested(registering(tpm));
    const { name } = (await inventoryOf(tpm)).metadata;
    const newer = {
      attestation: { class: "quantum" },
      conditions: [{ type: "Attested", status: "Perhaps" }],
      upgrade: { image: "os", attempt: 1, phase: "Rehearsing" },
    };
    await underWider(() => patchStatus(target, "minv", namespace, name, newer));
    expect((await inventoryOf(tpm)).status).toMatchObject(newer);

    const idle = { plan: undefined, image: undefined, attempt: 0, phase: "Idle", digest: undefined } as const;
    await tellStatus(next, session, { protocol: 2, ...idle, reason: undefined, message: undefined, bootId: "b1" });
    expect((await inventoryOf(tpm)).status).toMatchObject({
      attestation: newer.attestation,
      upgrade: { phase: "Idle" },
    });
    await visitAttested(goingOn(tpm));
    expect((await inventoryOf(tpm)).status).toMatchObject({
      attestation: { class: "none" },
      conditions: [
        { type: "Attested", status: "False" },
        { type: "Approved", status: "True" },
      ],
    });
  },
);

it(
  "a spec that cannot be read is told to its machine, which comes back when it can",
  { timeout: DEADLINE_MS },
  async () => {
    const tpm = createSoftwareTpm({ ak });
    await visitAttested(registering(tpm));
    const { name } = (await inventoryOf(tpm)).metadata;
    const labels = (rack: unknown) =>
      patchObject(target, "minv", namespace, name, { spec: { config: { labels: { rack } } } });
    await underWider(() => labels(7));
    const sentence = `cannot read MachineInventory fleet-default/${name}: /spec/config/labels/rack must be string`;
    const refused = await visitAttested(goingOn(tpm)).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      status: 503,
      refusal: {
        code: "INVENTORY_UNREADABLE",
        message: expect.stringContaining(sentence) as unknown,
        retryAfterSeconds: 300,
      },
    });
    expect(await dial({ url: `${operator.httpUrl}/v1-rancheros/inventory`, tpm })).toMatchObject({
      kind: "refused",
      status: 401,
      headers: { "retry-after": "300" },
      body: expect.stringContaining(sentence) as unknown,
    });
    await labels("r7");
    await visitAttested(goingOn(tpm));
  },
);

it("an inventory that cannot be read can be deleted, and people are told of it", { timeout: DEADLINE_MS }, async () => {
  await operator.stop();
  const finalizers = ["wrangler.cattle.io/machine-inventory-remove"];
  const spec = { config: { labels: { rack: 7 } } };
  await underWider(() => make({ metadata: { name: "taken-over", namespace, finalizers }, spec }));
  await start("second");
  const client = await adminClient(target);
  await eventually(async () => {
    const { finalizers } = (await getObject(target, "minv", namespace, "taken-over"))?.metadata ?? {};
    return finalizers === undefined ? true : undefined;
  }, "the finalizer is off");
  const events = await eventually(async () => {
    const all = JSON.stringify(await client.get(`/api/v1/namespaces/${namespace}/events`));
    return all.includes("cannot read MachineInventory fleet-default/taken-over") ? all : undefined;
  }, "the Event");
  expect(events).toContain("INVENTORY_UNREADABLE");
  await client.delete(`${INVENTORIES}/taken-over`);
  expect(await getObject(target, "minv", namespace, "taken-over")).toBeUndefined();
});

it("a machine whose inventory cannot be read is let in by no other certificate", { timeout: DEADLINE_MS }, async () => {
  const ek = generateRsaEndorsementKey(2048, randomBytes);
  const certified = softwareTpm(ek, ak, certificateFor(ek.spkiDer, maker, { serialNumber: Buffer.from([2]) }));
  const url = `${operator.httpUrl}/v1-rancheros/registration/${token}`;
  expect((await visit({ url, tpm: certified })).close?.code).toBe(1000);
  const { name } = (await inventoryOf(certified)).metadata;
  await underWider(() => patchObject(target, "minv", namespace, name, { spec: { config: { labels: { rack: 7 } } } }));
  for (const tpm of [softwareTpm(ek, ak), certified]) {
    const visited = await visit({ url, tpm });
    expect(visited.payload).toBeUndefined();
    expect(visited.close?.code).toBe(1013);
    expect(visited.close?.reason).toContain(`cannot read MachineInventory fleet-default/${name}: /spec/config`);
  }
});
