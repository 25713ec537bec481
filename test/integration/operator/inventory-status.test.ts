/** What the status of machines says that visits do not write: two operators of one cluster, and no write too many. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createNamespace } from "../../control-plane/namespace.ts";
import { visit } from "../../machine/visit.ts";
import {
  eventually,
  getObject,
  listInventories,
  makeRegistration,
  patchObject,
  type AnyObject,
} from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { createSoftwareTpm, generateAttestationKey } from "../../software-tpm/index.ts";

const controlPlane = inject("controlPlane");
const folder = mkdtempSync(path.join(tmpdir(), "statuses-"));
const namespace = "statuses";
const ak = generateAttestationKey("rsa");
const DELAY_SECONDS = 2;
const MACHINES = 24;
let operators: OperatorProcess[] = [];
let madeOf: string;

function start(name: string): Promise<OperatorProcess> {
  return startOperator({
    folder,
    kubeconfigPath: controlPlane.kubeconfigPath,
    namespace,
    watchNamespace: namespace,
    name,
    serverUrl: "https://rancher.example.com",
    flags: [`--status-delay=${DELAY_SECONDS}`],
  });
}

function conditionOf({ status }: AnyObject, type: string): Readonly<Record<string, unknown>> | undefined {
  const conditions = (status?.["conditions"] ?? []) as readonly Readonly<Record<string, unknown>>[];
  return conditions.find((one) => one["type"] === type);
}

async function versions(): Promise<readonly string[]> {
  const all = await listInventories(controlPlane, namespace);
  return all
    .map(({ metadata }) => JSON.stringify([metadata.name, Reflect.get(metadata, "resourceVersion")]))
    .toSorted();
}

async function settled(count: number): Promise<readonly AnyObject[]> {
  return eventually(async () => {
    const all = await listInventories(controlPlane, namespace);
    const done = all.filter((one) => conditionOf(one, "Attested") !== undefined);
    return done.length === count ? all : undefined;
  }, "conditions of all machines");
}

async function setApproval(name: string, approval: string): Promise<void> {
  await patchObject(controlPlane, "minv", namespace, name, { spec: { approval } });
}

beforeAll(async () => {
  await createNamespace(controlPlane, namespace);
  operators = await Promise.all([start("one"), start("two")]);
  const { url } = await makeRegistration(controlPlane, namespace, "open");
  madeOf = new URL(url).pathname;
});

afterAll(async () => {
  await Promise.all(operators.map((one) => one.stop()));
  rmSync(folder, { recursive: true, force: true });
});

describe("machines of rancherd's protocol", () => {
  it("have their conditions later, and not by the visit itself", async () => {
    const outcomes = await Promise.all(
      Array.from({ length: MACHINES }, (_none, at) =>
        visit({ url: `${operators[at % 2]?.httpUrl ?? ""}${madeOf}`, tpm: createSoftwareTpm({ ak }) }),
      ),
    );
    expect(outcomes.map(({ close }) => close?.code)).toEqual(Array(MACHINES).fill(1000));
    for (const one of await settled(MACHINES)) {
      expect(conditionOf(one, "Attested")).toMatchObject({ status: "False", reason: "NotProved" });
      expect(conditionOf(one, "Approved")).toMatchObject({ status: "True", reason: "Approved" });
      expect(one.status?.["attestation"]).toMatchObject({ class: "none", protocol: 1 });
    }
  });

  it("are not written a second time: not by the other replica, and not by one that starts", async () => {
    const before = await versions();
    await sleep(2_500 * DELAY_SECONDS);
    expect(await versions()).toEqual(before);
    await operators.pop()?.stop();
    operators.push(await start("three"));
    await sleep(2_500 * DELAY_SECONDS);
    expect(await versions()).toEqual(before);
  });

  it("show within seconds that somebody decided otherwise", async () => {
    const [machine] = await listInventories(controlPlane, namespace);
    const name = machine?.metadata.name ?? "";
    for (const approval of ["Denied", "Pending", "Approved"]) {
      await setApproval(name, approval);
      const beganMs = performance.now();
      await eventually(async () => {
        const object = await getObject(controlPlane, "minv", namespace, name);
        return object !== undefined && conditionOf(object, "Approved")?.["reason"] === approval ? true : undefined;
      }, `the condition says ${approval}`);
      expect(performance.now() - beganMs).toBeLessThan(10_000);
    }
  });
});
