/** A ManagedOSImage of a newer chart, which this operator cannot read: it is not gone, and nobody else has its machines. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Phase, Plan } from "@rancheros/protocol/upgrade";
import { afterAll, beforeAll, expect, it } from "vitest";
import { adminClient } from "../../control-plane/admin-client.ts";
import { applyCrds } from "../../control-plane/apply-crds.ts";
import { startControlPlane, type ControlPlane } from "../../control-plane/control-plane.ts";
import { changeWhenTaken, widenCrd } from "../../control-plane/newer-crds.ts";
import { createNamespace } from "../../control-plane/namespace.ts";
import { joinMachines } from "../../machine/join-machines.ts";
import type { PlayedMachine } from "../../machine/played-machine.ts";
import { askPlan, tellStatus } from "../../machine/upgrading-machine.ts";
import { eventually } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { conditionOf, rolloutImages, type RolloutImages } from "../../operator/rollout-images.ts";

/** The local cluster's. */
const namespace = "fleet-local";
const DIGEST = `sha256:${"a".repeat(64)}`;

const folder = mkdtempSync(path.join(tmpdir(), "newer-chart-"));
let target: ControlPlane;
let operator: OperatorProcess;
let images: RolloutImages;
let machines: readonly PlayedMachine[];

const next = () => operator.httpUrl;

async function start(name: string): Promise<void> {
  const { kubeconfigPath } = target;
  const serverUrl = "https://rancher.example.com";
  operator = await startOperator({ folder, kubeconfigPath, namespace, watchNamespace: namespace, serverUrl, name });
}

const change = (name: string, spec: object) => changeWhenTaken(target, "mosi", namespace, name, spec);

function at(index: number): PlayedMachine {
  const found = machines[index];
  if (found === undefined) throw new Error(`there is no machine ${index}`);
  return found;
}

const ask = async (index: number) => (await askPlan(next, at(index).session)).answer;

async function say(index: number, plan: Plan, phase: Phase): Promise<boolean> {
  const { id, image, attempt } = plan;
  const told = { plan: id, image, attempt, phase, digest: DIGEST, reason: undefined, message: undefined, bootId: "b1" };
  return (await tellStatus(next, at(index).session, { protocol: 2, ...told })).holdsSlot;
}

beforeAll(async () => {
  target = await startControlPlane({ folder });
  await applyCrds(target);
  await widenCrd(target, "managedosimages", [['"enum":["ServersFirst"', '"enum":["NewestFirst","ServersFirst"']]);
  await createNamespace(target, namespace);
  images = rolloutImages(target, namespace);
  await start("before");
  machines = await joinMachines(target, { namespace, httpsUrl: operator.httpsUrl, next, machines: [{}, {}] });
});
afterAll(async () => {
  await operator.stop();
  await target.stop();
  rmSync(folder, { recursive: true });
});

it("keeps its machines, begins with none, and goes on when it can be read", async () => {
  await images.make("older", { osImage: `r.example.com/os@${DIGEST}` });
  await images.until("older", "two machines", ({ total, plan }) => total === 2 && plan !== undefined);
  const { index, plan } = await eventually(async () => {
    for (const one of [0, 1]) {
      const given = (await ask(one))?.plan;
      if (given !== undefined) return { index: one, plan: given };
    }
    return undefined;
  }, "a plan for one of them");
  const other = 1 - index;
  expect(await say(index, plan, "Staging")).toBe(true);

  // Of the same second the one with the lower UID is the older one.
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const younger = { osImage: `r.example.com/other@${DIGEST}` };
  await images.make("younger", younger);
  await images.until("younger", "has no machine", ({ state }) => state === "Conflict");

  await change("older", { order: "NewestFirst" });
  const sentence = /cannot read ManagedOSImage fleet-local\/older: \/spec\/order .*; change or delete it, or run/;
  const isHeld = async (): Promise<void> => {
    const waiting = { reason: "Invalid", message: expect.stringMatching(sentence) as unknown };
    await eventually(async () => ((await ask(other))?.waiting?.reason === "Invalid" ? true : undefined), "it is seen");
    expect(await ask(other)).toMatchObject({ plan: undefined, waiting });
    expect(await say(index, plan, "Draining")).toBe(true);
    // Longer than a worker takes to write down what has changed.
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    expect(await images.status("older")).toMatchObject({ slots: [{ machine: at(index).name }] });
    expect((await images.status("younger")).slots ?? []).toEqual([]);
    expect((await images.status("younger")).total).toBe(0);
    const told = await images.status("older");
    expect(told).toMatchObject({ state: "Invalid", message: expect.stringMatching(sentence) as unknown });
    expect(conditionOf(told, "Invalid")).toMatchObject({ status: "True", reason: "Unreadable", message: told.message });
    // What others say of it stands.
    expect(conditionOf(told, "Resolved")).toMatchObject({ status: "True" });
  };
  await isHeld();

  await operator.stop();
  await start("after");
  await isHeld();
  const blocked = conditionOf(await images.status("younger"), "Blocked");
  expect(blocked).toMatchObject({ status: "True", message: expect.stringMatching(sentence) as unknown });
  const metrics = await (await fetch(`${operator.healthUrl}/metrics`)).text();
  expect(metrics).toMatch(/rancheros_rollouts\{[^}]*"Invalid"[^}]*\} 1$/m);
  const events = JSON.stringify(await (await adminClient(target)).get(`/api/v1/namespaces/${namespace}/events`));
  expect(events).toMatch(/cannot read ManagedOSImage fleet-local\/older/);

  await change("older", { order: "ServersFirst" });
  expect(await say(index, plan, "Succeeded")).toBe(true);
  const second = await eventually(async () => (await ask(other))?.plan, "a plan for the other one");
  expect(second).toMatchObject({ image: "older" });
  const status = await images.until("older", "goes on", ({ state }) => state === "Progressing");
  expect(conditionOf(status, "Invalid")).toMatchObject({ status: "False", reason: "Valid" });
  await images.until("younger", "is not blocked", (is) => conditionOf(is, "Blocked")?.status === "False");
});

it("lets go of its machines when it is deleted", async () => {
  await change("older", { order: "NewestFirst" });
  await eventually(async () => ((await ask(0))?.waiting?.reason === "Invalid" ? true : undefined), "it is seen");
  await images.remove("older");
  const plan = await eventually(async () => (await ask(0))?.plan ?? (await ask(1))?.plan, "a plan of the younger one");
  expect(plan.image).toBe("younger");
});
