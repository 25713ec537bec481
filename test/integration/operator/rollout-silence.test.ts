/** Machines that do not come, fall silent, and come back late. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Phase, Plan } from "@rancheros/protocol/upgrade";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { createNamespace, removeNamespace } from "../../control-plane/namespace.ts";
import { joinMachines } from "../../machine/join-machines.ts";
import type { PlayedMachine } from "../../machine/played-machine.ts";
import { askPlan, tellStatus } from "../../machine/upgrading-machine.ts";
import { fleetCrds, fleetObject } from "../../operator/fleet-crds.ts";
import { eventually } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { rolloutImages } from "../../operator/rollout-images.ts";
import { buildOsImage, imageReference, pushImage, startRegistry, type TestRegistry } from "../../registry/index.ts";

const controlPlane = inject("controlPlane");
const namespace = "rollout-silence";
const folder = mkdtempSync(path.join(tmpdir(), "rollout-silence-"));
const images = rolloutImages(controlPlane, namespace);
const operators: OperatorProcess[] = [];
let registry: TestRegistry;
let osImage: string;
let machines: readonly PlayedMachine[];
let turn = 0;

/** Another replica with each request. */
function next(): string {
  turn += 1;
  return operators[turn % operators.length]?.httpUrl ?? "";
}

function machine(at: number): PlayedMachine {
  const found = machines[at];
  if (found === undefined) throw new Error(`there is no machine ${at}`);
  return found;
}

const ask = async (at: number) => (await askPlan(next, machine(at).session)).answer;

async function planFor(at: number): Promise<Plan> {
  return eventually(async () => (await ask(at))?.plan, `a plan for machine ${at}`);
}

/** Of the two, whoever's turn it is: which one that is depends on a hash of their UIDs. */
async function firstPlan(): Promise<{ readonly at: number; readonly plan: Plan }> {
  return eventually(async () => {
    for (const at of [0, 1]) {
      const plan = (await ask(at))?.plan;
      if (plan !== undefined) return { at, plan };
    }
    return undefined;
  }, "a plan for one of them");
}

async function say(at: number, plan: Plan, phase: Phase): Promise<boolean> {
  const { id, image, attempt, reference } = plan;
  const digest = reference.slice(reference.indexOf("@") + 1);
  const told = { plan: id, image, attempt, phase, digest, reason: undefined, message: undefined, bootId: "b1" };
  return (await tellStatus(next, machine(at).session, { protocol: 2, ...told })).holdsSlot;
}

beforeAll(async () => {
  registry = await startRegistry({ folder: path.join(folder, "registry") });
  await pushImage(registry, "os", "v1", buildOsImage({ release: "IMAGE=v1\n", upgradeScript: "#!/bin/sh\n" }));
  osImage = imageReference(registry, "os", "v1");
  await createNamespace(controlPlane, namespace);
  await applyObjects(controlPlane, ...fleetCrds());
  await applyObjects(controlPlane, fleetObject("Cluster", namespace, "c1"));
  const flags = [`--insecure-registry=${registry.host}`];
  const { kubeconfigPath } = controlPlane;
  const common = { folder, kubeconfigPath, namespace, watchNamespace: namespace, flags };
  const serverUrl = "https://rancher.example.com";
  operators.push(...(await Promise.all(["one", "two"].map((name) => startOperator({ ...common, serverUrl, name })))));
  const canary = { clusterName: "c1", labels: { canary: "yes" } };
  const httpsUrl = operators[0]?.httpsUrl ?? "";
  machines = await joinMachines(controlPlane, { namespace, httpsUrl, next, machines: [canary, { clusterName: "c1" }] });
});

afterAll(async () => {
  await Promise.all(operators.map((one) => one.stop()));
  await registry.stop();
  await removeNamespace(controlPlane, namespace);
  rmSync(folder, { recursive: true, force: true });
});

describe("a canary that does not come", () => {
  const spec = { canary: { selector: { matchLabels: { canary: "yes" } } }, nodeTimeout: "1s" };

  it("keeps the others waiting without taking a slot, and fails nothing however long it takes", async () => {
    await images.make("os", { osImage, targets: [{ clusterName: "c1" }], ...spec });
    await images.until("os", "resolved", ({ plan }) => plan !== undefined);
    const deadline = performance.now() + 2_500;
    while (performance.now() < deadline) {
      expect((await ask(1))?.plan).toBeUndefined();
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect((await ask(1))?.waiting).toMatchObject({ reason: "CanariesFirst", message: "the canaries go first" });
    const found = await images.until("os", "two machines", ({ total }) => total === 2);
    expect(found).toMatchObject({ state: "Progressing", updating: 0, failed: 0, pending: 2 });
    expect(found.slots ?? []).toEqual([]);
  });

  it("goes first when it comes at last, and then the others", async () => {
    await images.change("os", { nodeTimeout: "1h" });
    const plan = await planFor(0);
    expect((await ask(1))?.waiting?.reason).toBe("CanariesFirst");
    expect(await say(0, plan, "Succeeded")).toBe(true);
    expect(await say(1, await planFor(1), "Succeeded")).toBe(true);
    const found = await images.until("os", "Complete", ({ state }) => state === "Complete");
    expect(found).toMatchObject({ updated: 2, failed: 0 });
    expect(found.canariesDoneAt).toBeDefined();
    await images.remove("os");
  });
});

describe("a machine that falls silent", () => {
  let silent: number;
  let plan: Plan;

  it("loses its slot after nodeTimeout, counts as failed, and halts what has no failures left", async () => {
    const cloudConfig = { hostname: "silent" };
    await images.make("silent", { osImage, cloudConfig, targets: [{ clusterName: "c1" }], nodeTimeout: "4s" });
    ({ at: silent, plan } = await firstPlan());
    expect(await say(silent, plan, "Staging")).toBe(true);
    const found = await images.until("silent", "Halted", ({ state }) => state === "Halted");
    expect(found).toMatchObject({ failed: 1, updating: 0, updated: 0 });
    expect(found.slots ?? []).toEqual([]);
    expect(found.failures).toHaveLength(1);
    expect(found.failures?.[0]).toMatchObject({
      machine: machine(silent).name,
      reason: "ROLLOUT_NODE_TIMEOUT",
      message: "not heard of for 4 s, last in phase Staging",
    });
    expect((await ask(1 - silent))?.waiting?.reason).toBe("Halted");
  });

  it("is told that its slot is lost when it comes back in the middle", async () => {
    const isHeld = await eventually(
      async () => ((await say(silent, plan, "Draining")) ? undefined : "lost"),
      "both replicas know",
    );
    expect(isHeld).toBe("lost");
    expect((await images.status("silent")).failed).toBe(1);
  });

  it("is taken back as updated when it says Succeeded late, and the rollout goes on", async () => {
    await say(silent, plan, "Succeeded");
    const found = await images.until("silent", "taken back", ({ updated }) => updated === 1);
    expect(found).toMatchObject({ failed: 0, pending: 1, state: "Progressing" });
    expect(found.failures ?? []).toEqual([]);
    await say(1 - silent, await planFor(1 - silent), "Succeeded");
    expect(await images.until("silent", "Complete", ({ state }) => state === "Complete")).toMatchObject({
      updated: 2,
      failed: 0,
    });
  });
});
