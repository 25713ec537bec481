/** MachineRegistrations, versions and channels of a newer chart, which this operator cannot read: they are not gone. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { applyCrds } from "../../control-plane/apply-crds.ts";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { startControlPlane, type ControlPlane } from "../../control-plane/control-plane.ts";
import { createNamespace } from "../../control-plane/namespace.ts";
import { changeWhenTaken, widenCrd } from "../../control-plane/newer-crds.ts";
import { certificateFor } from "../../hostile/doors.ts";
import { channelAt, refusalOf, visitAttested } from "../../machine/attested-visit.ts";
import { attestedVisits } from "../../machine/attested-visits.ts";
import { dial } from "../../machine/visit.ts";
import { eventually, getObject, listInventories, makeRegistration } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import {
  createAuthority,
  createSoftwareTpm,
  generateAttestationKey,
  generateRsaEndorsementKey,
  softwareTpm,
  type SoftwareTpm,
} from "../../software-tpm/index.ts";

const namespace = "fleet-default";
const DEADLINE_MS = 60_000;
const folder = mkdtempSync(path.join(tmpdir(), "newer-chart-"));
const maker = createAuthority("Example maker");
const ak = generateAttestationKey("rsa");
let target: ControlPlane;
let operator: OperatorProcess;
let channel: Buffer;
let token: string;

const next = () => operator.httpUrl;
const { registering, goingOn } = attestedVisits(() => ({ next, channel, token }));
const change = (spec: object) => changeWhenTaken(target, "mreg", namespace, "door", spec);

function certified(): SoftwareTpm {
  const ek = generateRsaEndorsementKey(2048, randomBytes);
  return softwareTpm(ek, ak, certificateFor(ek.spkiDer, maker, { serialNumber: Buffer.from([1]) }));
}

async function start(name: string): Promise<void> {
  const { kubeconfigPath } = target;
  const serverUrl = "https://rancher.example.com";
  operator = await startOperator({ folder, kubeconfigPath, namespace, watchNamespace: namespace, serverUrl, name });
  channel = await channelAt(operator.httpsUrl);
}

/** Waits for a condition. @param kind  any name that kubectl knows it by */
async function until(kind: string, name: string, wanted: Readonly<Record<string, unknown>>): Promise<unknown> {
  return eventually(
    async () => {
      const { status } = (await getObject(target, kind, namespace, name)) ?? {};
      const conditions = (status?.["conditions"] ?? []) as readonly Readonly<Record<string, unknown>>[];
      const isSo = (one: Readonly<Record<string, unknown>>): boolean =>
        Object.entries(wanted).every(([key, value]) =>
          value instanceof RegExp ? value.test(String(one[key])) : one[key] === value,
        );
      return conditions.find(isSo);
    },
    `${kind} ${name} has ${JSON.stringify(wanted)}`,
  );
}

beforeAll(async () => {
  target = await startControlPlane({ folder });
  await applyCrds(target);
  await widenCrd(target, "machineregistrations", [
    ['"enum":["accept","refuse"]', '"enum":["accept","refuse","warn"]'],
    ['"maximum":1000000', '"maximum":2000000'],
  ]);
  await widenCrd(target, "managedosversions", [['"enum":["container","iso"]', '"enum":["container","iso","raw"]']]);
  await widenCrd(target, "managedosversionchannels", [
    ['"enum":["json","oci","custom"]', '"enum":["json","oci","custom","git"]'],
  ]);
  await createNamespace(target, namespace);
  const metadata = { name: "roots", namespace };
  await applyObjects(target, { apiVersion: "v1", kind: "ConfigMap", metadata, data: { "hardware.pem": maker.pem } });
  await start("before");
  const attestation = { trustAnchors: { configMapName: "roots" } };
  ({ token } = await makeRegistration(target, namespace, "door", { attestation }));
});
afterAll(async () => {
  await operator.stop();
  await target.stop();
  rmSync(folder, { recursive: true });
});

describe("a MachineRegistration that cannot be read", () => {
  it(
    "lets nobody in, tells machines to come back, and says why in its condition",
    { timeout: DEADLINE_MS },
    async () => {
      const known = certified();
      expect((await visitAttested(registering(known))).trust).toBe("hardware");
      const held = await listInventories(target, namespace);

      await change({ token: { maxMachines: 1_500_000 } });
      const isHeld = async (): Promise<void> => {
        const message = /cannot read MachineRegistration fleet-default\/door: \/spec\/token\/maxMachines .*; change or/;
        await until("mreg", "door", { type: "Ready", status: "False", reason: "Unreadable", message });
        expect(await refusalOf(visitAttested(registering(createSoftwareTpm({ ak }))))).toBe(
          "503 REGISTRATION_UNREADABLE",
        );
        expect(await refusalOf(visitAttested(registering(known)))).toBe("503 REGISTRATION_UNREADABLE");
        const visited = await dial({
          url: `${operator.httpUrl}/v1-rancheros/registration/${token}`,
          tpm: createSoftwareTpm({ ak }),
        });
        expect(visited).toMatchObject({
          kind: "refused",
          status: 401,
          headers: { "retry-after": "10" },
          body: expect.stringContaining("cannot read this MachineRegistration") as unknown,
        });
        // Judged by the anchors of its registration still.
        expect((await visitAttested(goingOn(known))).trust).toBe("hardware");
      };
      await isHeld();
      await operator.stop();
      await start("after");
      await isHeld();
      expect(await listInventories(target, namespace)).toHaveLength(held.length);

      await change({ token: { maxMachines: 1_000_000 } });
      await until("mreg", "door", { type: "Ready", status: "True" });
      expect((await visitAttested(registering(certified()))).trust).toBe("hardware");
    },
  );

  it("lets nobody go on while nobody can tell whom it refuses", { timeout: DEADLINE_MS }, async () => {
    const known = certified();
    await visitAttested(registering(known));
    await change({ attestation: { expiredCertificates: "warn" } });
    const message = /\/spec\/attestation\/expiredCertificates /;
    await until("mreg", "door", { type: "Ready", status: "False", reason: "Unreadable", message });
    expect(await refusalOf(visitAttested(goingOn(known)))).toBe("503 REGISTRATION_UNREADABLE");
    expect(await refusalOf(visitAttested(registering(known)))).toBe("503 REGISTRATION_UNREADABLE");
    await change({ attestation: { expiredCertificates: "accept" } });
    await until("mreg", "door", { type: "Ready", status: "True" });
    expect((await visitAttested(goingOn(known))).trust).toBe("hardware");
  });
});

it.each([
  [
    "ManagedOSVersion",
    { version: "v1.0.0", type: "container", metadata: { upgradeImage: "r.example.com/os:v1.0.0" } },
    { type: "raw" },
    { type: "Usable", status: "False", reason: "Unreadable", message: /\/spec\/type / },
    { type: "Usable", status: "True" },
  ],
  [
    "ManagedOSVersionChannel",
    { type: "json", options: { uri: "http://127.0.0.1:9/versions.json" } },
    { type: "git" },
    { type: "Synced", status: "False", reason: "Unreadable", message: /\/spec\/type / },
    { type: "Synced", status: "False", reason: "FailedToSync" },
  ],
])("%s that cannot be read says so in its condition, until it can", async (kind, spec, newer, unread, read) => {
  const name = kind.toLowerCase();
  await applyObjects(target, { apiVersion: "rancheros.cattle.io/v1", kind, metadata: { name, namespace }, spec });
  await until(kind, name, read);
  await changeWhenTaken(target, kind, namespace, name, newer);
  const { message, ...words } = unread;
  expect(await until(kind, name, unread)).toMatchObject({
    ...words,
    message: expect.stringMatching(message) as unknown,
  });
  await changeWhenTaken(target, kind, namespace, name, spec);
  expect(await until(kind, name, read)).toMatchObject(read);
});
