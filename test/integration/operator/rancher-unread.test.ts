/** One of Rancher's settings is read late: until then nobody is given an address without its CA, or with another one. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, expect, inject, it } from "vitest";
import { makeCa } from "../../../packages/operator/src/tls/certificates.ts";
import { applyCrds } from "../../control-plane/apply-crds.ts";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { startControlPlane, type ControlPlane } from "../../control-plane/control-plane.ts";
import { createNamespace } from "../../control-plane/namespace.ts";
import { channelAt, visitAttested } from "../../machine/attested-visit.ts";
import { dial } from "../../machine/visit.ts";
import { startApiProxy, type ApiProxy } from "../../operator/api-proxy.ts";
import { eventually, getObject } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { rancherCrds, rancherObject } from "../../operator/rancher-crds.ts";
import { createSoftwareTpm, generateAttestationKey } from "../../software-tpm/index.ts";

// A control plane of its own: Rancher's settings are cluster-wide.
const { binariesFolder } = inject("controlPlane");
const folder = mkdtempSync(path.join(tmpdir(), "rancher-unread-"));
const namespace = "fleet-default";
const ak = generateAttestationKey("rsa");
const [rancherCa, internalCa] = [makeCa(Date.now(), randomBytes), makeCa(Date.now(), randomBytes)];
/** Refused lists are asked for again after up to 15 s and a half. */
const READ_AGAIN_MS = 40_000;
let controlPlane: ControlPlane;
let proxy: ApiProxy;
let operator: OperatorProcess | undefined;

beforeAll(async () => {
  controlPlane = await startControlPlane({ folder, binariesFolder });
  await applyCrds(controlPlane);
  for (const name of ["system", namespace]) await createNamespace(controlPlane, name);
  await applyObjects(
    controlPlane,
    ...rancherCrds(),
    rancherObject("Setting", undefined, "server-url", { value: "https://rancher.test" }),
    rancherObject("Setting", undefined, "cacerts", { value: rancherCa.certificatePem }),
    rancherObject("Setting", undefined, "internal-cacerts", { value: internalCa.certificatePem }),
    {
      apiVersion: "rancheros.cattle.io/v1",
      kind: "MachineRegistration",
      metadata: { name: "door", namespace },
      spec: {},
    },
  );
  proxy = await startApiProxy(controlPlane, folder);
});
afterEach(async () => {
  proxy.setFault(undefined);
  await operator?.stop();
  operator = undefined;
});
afterAll(async () => {
  await proxy.stop();
  await controlPlane.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** An operator whose API server asks for patience whenever it is asked for this setting. */
async function startWithout(setting: string): Promise<OperatorProcess> {
  const isAbout = (asked: string): boolean =>
    asked.includes("/settings?") &&
    new URL(asked, "https://proxy.test").searchParams.get("fieldSelector") === `metadata.name=${setting}`;
  proxy.setFault(({ path: asked }) => (isAbout(asked) ? { kind: "answer", status: 429 } : undefined));
  operator = await startOperator({
    folder,
    name: `without-${setting}`,
    kubeconfigPath: proxy.kubeconfigPath,
    namespace: "system",
    serverUrl: "",
    waitReady: false,
    flags: ["--leader-elect=false"],
  });
  return operator;
}

async function tokenOfDoor(): Promise<string> {
  const token = await eventually(
    async () => (await getObject(controlPlane, "mreg", namespace, "door"))?.status?.["registrationToken"],
    "the token",
  );
  return String(token);
}

async function ask(one: OperatorProcess, target: string) {
  const answer = await fetch(`${one.httpUrl}${target}`, { signal: AbortSignal.timeout(10_000) });
  return { status: answer.status, retryAfter: Number(answer.headers.get("retry-after")), body: await answer.text() };
}

const ADDRESS_ONLY = "not ready: Rancher's settings of the address and its CA not read yet\n";

async function saysIsMissing(one: OperatorProcess, words: string): Promise<true | undefined> {
  const answer = await fetch(`${one.healthUrl}/readyz`, { signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
  return answer?.status === 503 && (await answer.text()) === words ? true : undefined;
}

/** What says, or contains, the CA by which machines know the address. */
const pagesOf = (token: string): readonly string[] => [
  "/v1-rancheros/cacerts",
  `/v1-rancheros/registration/${token}`,
  `/boot/${token}/config`,
];

async function toldCa(one: OperatorProcess, token: string): Promise<string | undefined> {
  const tpm = createSoftwareTpm({ ak });
  const channel = await channelAt(one.httpsUrl);
  const admission = await visitAttested({
    next: () => one.httpUrl,
    tpm,
    channel,
    purpose: { kind: "registration", token },
  });
  return admission.ca;
}

const flat = (text: string): string => text.replaceAll(/\s/g, "");

async function givesRanchersCa(one: OperatorProcess, token: string): Promise<void> {
  for (const page of pagesOf(token)) {
    const answer = await eventually(
      async () => {
        const now = await ask(one, page);
        return now.status === 200 ? now : undefined;
      },
      `an answer to ${page}`,
      READ_AGAIN_MS,
    );
    expect(flat(answer.body), page).toContain(flat(rancherCa.certificatePem));
  }
  expect(await toldCa(one, token)).toBe(rancherCa.certificatePem);
}

async function comesIn(one: OperatorProcess, token: string): Promise<boolean> {
  const url = `${one.httpUrl}/v1-rancheros/registration/${token}`;
  const opened = await dial({ url, tpm: createSoftwareTpm({ ak }) });
  if (opened.kind === "refused") return false;
  opened.socket.terminate();
  return true;
}

it.each(["cacerts", "internal-cacerts"])("nobody is given a CA while %s is not read", async (late) => {
  const one = await startWithout(late);
  await eventually(() => saysIsMissing(one, ADDRESS_ONLY), "all but the address is there");
  const token = await tokenOfDoor();
  // What is known by now stays known: the address, and that machines may come in.
  await eventually(async () => ((await comesIn(one, token)) ? true : undefined), "the address is read");
  for (const page of pagesOf(token)) {
    const { status, retryAfter, body } = await ask(one, page);
    expect([status, body], page).toEqual([503, expect.stringContaining("Rancher's settings")]);
    expect(retryAfter).toBeGreaterThan(0);
  }
  expect(await toldCa(one, token)).toBeUndefined();
  proxy.setFault(undefined);
  await one.waitReady();
  expect((await ask(one, "/v1-rancheros/cacerts")).status).toBe(200);
  await givesRanchersCa(one, token);
});

it("the operator's own CA is nobody's while it is not read whether Rancher has an address", async () => {
  const one = await startWithout("server-url");
  // It waits for it, and not for ever: sessions need none of it.
  await eventually(() => saysIsMissing(one, ADDRESS_ONLY), "all but the address is there");
  await one.waitReady();
  const token = await tokenOfDoor();
  const { status, retryAfter } = await ask(one, "/v1-rancheros/cacerts");
  expect([status, retryAfter > 0]).toEqual([503, true]);
  const refused = await dial({
    url: `${one.httpUrl}/v1-rancheros/registration/${token}`,
    tpm: createSoftwareTpm({ ak }),
  });
  expect(refused).toMatchObject({ kind: "refused", status: 503 });
  proxy.setFault(undefined);
  await givesRanchersCa(one, token);
});
