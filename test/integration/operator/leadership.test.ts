/** Two replicas and their Lease: a leader that is frozen or cut off has stopped acting before the other one leads. */
import { setTimeout as sleep } from "node:timers/promises";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { useNamespace } from "../../control-plane/namespace.ts";
import { visit } from "../../machine/visit.ts";
import { startApiProxy, type ApiProxy } from "../../operator/api-proxy.ts";
import { getObject, makeRegistration } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { readSamples } from "../../operator/read-samples.ts";
import { createSoftwareTpm, generateAttestationKey } from "../../software-tpm/index.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "leadership");
const folder = mkdtempSync(path.join(tmpdir(), "leadership-"));
const ak = generateAttestationKey("rsa");
/** Lease, retry period with its jitter, and what a slow machine adds. */
const TAKEOVER_MS = 30_000;

interface Replica {
  readonly proxy: ApiProxy;
  readonly operator: OperatorProcess;
}
let one: Replica;
let other: Replica;
let token: string;

async function start(name: string, serverUrl?: string): Promise<Replica> {
  const proxy = await startApiProxy(target, folder, name);
  const operator = await startOperator({
    folder,
    name,
    kubeconfigPath: proxy.kubeconfigPath,
    namespace,
    watchNamespace: namespace,
    ...(serverUrl === undefined ? {} : { serverUrl }),
  });
  return { proxy, operator };
}

async function isLeader({ operator }: Replica): Promise<boolean> {
  return (await readSamples(operator.healthUrl)).some(({ name, value }) => name === "rancheros_leader" && value === 1);
}

/** Waits for something that takes as long as a lease. */
async function until(look: () => Promise<boolean>, what: string, deadlineMs = TAKEOVER_MS): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await look())) {
    if (performance.now() > deadline) throw new Error(`gave up waiting: ${what}`);
    await sleep(100);
  }
}

interface Lease {
  readonly spec: { readonly acquireTime: string; readonly holderIdentity: string; readonly leaseTransitions: number };
}
async function lease(): Promise<Lease["spec"]> {
  const found = await getObject(target, "lease", namespace, `rancheros-operator-${namespace}`);
  return (found as unknown as Lease).spec;
}

/** What it asked for in the leader's stead after that moment: anything but reading, Events and the Lease. */
function writesAfter({ proxy }: Replica, atMs: number): readonly string[] {
  return proxy.seen
    .filter((seen) => seen.atMs > atMs && seen.method !== "GET" && !/\/(leases|events)/.test(seen.path))
    .map(({ method, path: asked }) => `${method} ${asked}`);
}

async function door(name: string): Promise<void> {
  await applyObjects(target, {
    apiVersion: "rancheros.cattle.io/v1",
    kind: "MachineRegistration",
    metadata: { name, namespace },
    spec: {},
  });
}

async function hasUrl(name: string): Promise<boolean> {
  return (await getObject(target, "mreg", namespace, name))?.status?.["registrationURL"] !== undefined;
}

beforeAll(async () => {
  one = await start("one");
  ({ token } = await makeRegistration(target, namespace, "door"));
  other = await start("other", one.operator.httpsUrl);
});

afterAll(async () => {
  await Promise.all([one.operator.stop(), other.operator.stop()]);
  await Promise.all([one.proxy.stop(), other.proxy.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

describe("of two replicas", () => {
  it("one leads and writes; both serve machines", async () => {
    expect([await isLeader(one), await isLeader(other)]).toEqual([true, false]);
    for (const { operator } of [one, other]) {
      const url = `${operator.httpUrl}/v1-rancheros/registration/${token}`;
      expect((await visit({ url, tpm: createSoftwareTpm({ ak }) })).close?.code).toBe(1000);
    }
    await door("second-door");
    await until(() => hasUrl("second-door"), "the leader has written the status");
    const ofDoors = writesAfter(other, 0).filter((write) => write.includes("/machineregistrations/"));
    expect(ofDoors).toEqual([]);
  });

  it("a leader that was frozen does not act when it goes on, since another one leads", async () => {
    // In the middle of its work.
    await Promise.all(Array.from({ length: 8 }, (_, at) => door(`frozen-${at}`)));
    process.kill(one.operator.pid, "SIGSTOP");
    try {
      await until(() => isLeader(other), "the other one leads");
      const led = Date.parse((await lease()).acquireTime);
      await door("meanwhile");
      for (let at = 0; at < 8; at += 1) await until(() => hasUrl(`frozen-${at}`), "the new leader takes over the work");
      await until(() => hasUrl("meanwhile"), "the new leader writes");
      process.kill(one.operator.pid, "SIGCONT");
      expect(await isLeader(one)).toBe(false);
      await until(async () => {
        const samples = await readSamples(one.operator.healthUrl);
        return samples.some(({ name, value }) => name === "rancheros_registrations" && value === 11);
      }, "it has seen what happened meanwhile");
      expect(writesAfter(one, led)).toEqual([]);
      expect((await lease()).leaseTransitions).toBe(1);
    } finally {
      process.kill(one.operator.pid, "SIGCONT");
    }
  });

  it("a leader that was cut off has stopped before another one leads, and serves machines again afterwards", async () => {
    other.proxy.cut();
    await until(async () => !(await isLeader(other)), "it notices by itself");
    const stoppedMs = Date.now();
    await until(() => isLeader(one), "the other one leads");
    expect(Date.parse((await lease()).acquireTime)).toBeGreaterThan(stoppedMs);
    await door("cut");
    await until(() => hasUrl("cut"), "the new leader writes");
    other.proxy.mend();
    await until(
      async () =>
        (await readSamples(other.operator.healthUrl)).some(
          ({ name, value }) => name === "rancheros_registrations" && value === 12,
        ),
      "it hears of the cluster again",
    );
    expect(writesAfter(other, stoppedMs)).toEqual([]);
    const url = `${other.operator.httpUrl}/v1-rancheros/registration/${token}`;
    expect((await visit({ url, tpm: createSoftwareTpm({ ak }) })).close?.code).toBe(1000);
  });

  it("a leader that stops gives the Lease back: the other one leads within seconds", async () => {
    const began = performance.now();
    await one.operator.stop();
    expect(performance.now() - began).toBeLessThan(5_000);
    await until(() => isLeader(other), "the other one leads", 8_000);
  });
});
