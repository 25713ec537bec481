/** What an image refers to: pull secrets that a registry really asks for, and variables from ConfigMaps and Secrets. */
import { beforeAll, afterAll, describe, expect, inject, it } from "vitest";
import type { Plan } from "@rancheros/protocol/upgrade";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { kubectl } from "../../control-plane/kubectl.ts";
import { createNamespace, removeNamespace } from "../../control-plane/namespace.ts";
import { joinMachines } from "../../machine/join-machines.ts";
import type { PlayedMachine } from "../../machine/played-machine.ts";
import { askPlan, tellStatus } from "../../machine/upgrading-machine.ts";
import { fleetCrds, fleetObject } from "../../operator/fleet-crds.ts";
import { eventually } from "../../operator/objects.ts";
import { conditionOf, rolloutImages } from "../../operator/rollout-images.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import {
  buildOsImage,
  imageReference,
  pushImage,
  REGISTRY_ACCOUNT,
  startRegistry,
  type TestRegistry,
} from "../../registry/index.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const controlPlane = inject("controlPlane");
const namespace = "rollout-secrets";
const folder = mkdtempSync(path.join(tmpdir(), "rollout-secrets-"));
const images = rolloutImages(controlPlane, namespace);
const OTHER = { username: "somebody-else", password: "of-no-use-here" };
let operator: OperatorProcess;
let registry: TestRegistry;
let osImage: string;
let machine: PlayedMachine;
let plan: Plan;

async function apply(kind: "Secret" | "ConfigMap", name: string, fields: object): Promise<void> {
  await applyObjects(controlPlane, { apiVersion: "v1", kind, metadata: { name, namespace }, ...fields });
}

async function pullSecret(account: { readonly username: string; readonly password: string }): Promise<void> {
  const auths = { [registry.host]: account, "other.example.com": OTHER };
  const stringData = { ".dockerconfigjson": JSON.stringify({ auths }) };
  await apply("Secret", "pull", { type: "kubernetes.io/dockerconfigjson", stringData });
}

const next = () => operator.httpUrl;

/** Asks until there is a plan, which is then the image's and under way. */
async function planComes(): Promise<Plan> {
  return eventually(async () => (await askPlan(next, machine.session)).answer?.plan, "a plan");
}

/** Waits until the machine is told to wait because of that. */
async function waitsUntil(text: string): Promise<void> {
  await eventually(async () => {
    const waiting = (await askPlan(next, machine.session)).answer?.waiting;
    return waiting?.reason === "Unresolved" && waiting.message.includes(text) ? true : undefined;
  }, text);
}

async function succeed(): Promise<void> {
  const { id, image, attempt, reference } = plan;
  const digest = reference.slice(reference.indexOf("@") + 1);
  await tellStatus(next, machine.session, {
    protocol: 2,
    plan: id,
    image,
    attempt,
    phase: "Succeeded",
    digest,
    reason: undefined,
    message: undefined,
    bootId: "b1",
  });
}

beforeAll(async () => {
  registry = await startRegistry({ folder: path.join(folder, "registry"), auth: "basic" });
  for (const name of ["os", "tools"]) {
    await pushImage(registry, name, "v1", buildOsImage({ release: `IMAGE=${name}\n`, upgradeScript: "#!/bin/sh\n" }));
  }
  osImage = imageReference(registry, "os", "v1");
  await createNamespace(controlPlane, namespace);
  await applyObjects(controlPlane, ...fleetCrds());
  await applyObjects(controlPlane, fleetObject("Cluster", namespace, "c1"));
  const flags = [`--insecure-registry=${registry.host}`];
  const { kubeconfigPath } = controlPlane;
  const common = { folder, kubeconfigPath, namespace, watchNamespace: namespace };
  operator = await startOperator({ ...common, serverUrl: "https://rancher.example.com", flags });
  const machines = [{ clusterName: "c1" }];
  const [joined] = await joinMachines(controlPlane, { namespace, httpsUrl: operator.httpsUrl, next, machines });
  if (joined === undefined) throw new Error("no machine has come in");
  machine = joined;
});

afterAll(async () => {
  await operator.stop();
  await registry.stop();
  await removeNamespace(controlPlane, namespace);
  rmSync(folder, { recursive: true, force: true });
});

describe("a pull secret", () => {
  it("with a wrong password is refused by the registry, and the status says so without showing it", async () => {
    await pullSecret({ ...REGISTRY_ACCOUNT, password: "not-the-password" });
    await images.make("os", { osImage, imagePullSecrets: [{ name: "pull" }], targets: [{ clusterName: "c1" }] });
    const found = await images.until("os", "refused", (one) => conditionOf(one, "Resolved")?.status === "False");
    expect(conditionOf(found, "Resolved")).toMatchObject({ reason: "REGISTRY_REFUSED" });
    expect(found).toMatchObject({ state: "Resolving", total: 1, updating: 0, failed: 0 });
    expect(found.message).toContain(registry.host);
    expect(found.message).toContain("401");
    expect(JSON.stringify(found)).not.toContain("not-the-password");
    await waitsUntil("the digest of the image is not known yet");
  });

  it("that is not there is named in the condition, and once in the log however often it is looked for", async () => {
    await kubectl(controlPlane, ["delete", "secret", "pull", `--namespace=${namespace}`]);
    const words = `there is no Secret ${namespace}/pull`;
    const found = await images.until("os", "named", ({ message = "" }) => message.includes(words));
    expect(conditionOf(found, "Resolved")).toMatchObject({ status: "False", reason: "ROLLOUT_REFERENCE_MISSING" });
    // The digest is asked for again and again, and the machine asks for its plan.
    for (let ask = 0; ask < 5; ask += 1) await waitsUntil("the digest of the image is not known yet");
    expect(operator.log().split(words)).toHaveLength(2);
    const fields = [
      `--namespace=${namespace}`,
      "--field-selector=type=Warning,reason=ROLLOUT_REFERENCE_MISSING",
      "-o",
      "json",
    ];
    await eventually(
      async () => ((await kubectl(controlPlane, ["get", "events", ...fields])).includes(words) ? true : undefined),
      "a Warning",
    );
  });

  it("that is mended lets the rollout begin by itself, and the machine is told this registry's account alone", async () => {
    await pullSecret(REGISTRY_ACCOUNT);
    const found = await images.until("os", "resolved", (one) => conditionOf(one, "Resolved")?.status === "True");
    expect(found.state).toBe("Progressing");
    plan = await planComes();
    expect(plan.reference).toBe(found.reference);
    expect(plan.credentials).toEqual([{ registry: registry.host, ...REGISTRY_ACCOUNT }]);
    await succeed();
    await images.until("os", "Complete", ({ state }) => state === "Complete");
  });
});

describe("envFrom", () => {
  it("names what is missing, and gives no slot away meanwhile", async () => {
    const prepare = { image: imageReference(registry, "tools", "v1"), envFrom: [{ configMapRef: { name: "shop" } }] };
    const upgradeContainer = {
      envFrom: [{ secretRef: { name: "keys" }, prefix: "KEY_" }, { secretRef: { name: "nowhere", optional: true } }],
      env: [{ name: "KEY_two", value: "its own" }],
    };
    await images.change("os", { prepare, upgradeContainer });
    await waitsUntil(`there is no ConfigMap ${namespace}/shop`);
    const found = await images.until("os", "named", (one) => conditionOf(one, "Resolved")?.status === "False");
    expect(conditionOf(found, "Resolved")?.reason).toBe("ROLLOUT_REFERENCE_MISSING");
    expect(found).toMatchObject({ updating: 0, pending: 1 });
    await apply("ConfigMap", "shop", { data: { PLACE: "Bergen" } });
    await waitsUntil(`there is no Secret ${namespace}/keys`);
  });

  it("becomes variables once all of it is there; the container's own ones win", async () => {
    await apply("Secret", "keys", { stringData: { one: "first-secret", two: "second-secret" } });
    plan = await planComes();
    expect(plan.prepare?.env).toEqual({ PLACE: "Bergen" });
    expect(plan.upgrade.env).toEqual({ KEY_one: "first-secret", KEY_two: "its own" });
    expect(plan.credentials).toEqual([{ registry: registry.host, ...REGISTRY_ACCOUNT }]);
    expect(conditionOf(await images.status("os"), "Resolved")?.status).toBe("True");
    await succeed();
    await images.until("os", "Complete", ({ state }) => state === "Complete");
  });

  it("and pull secrets stand in no log, status or Event", async () => {
    const events = await kubectl(controlPlane, ["get", "events", "-n", namespace, "-o", "json"]);
    const seen = `${operator.log()}${events}${JSON.stringify(await images.status("os"))}`;
    expect(seen).toContain("REGISTRY_REFUSED");
    for (const secret of [REGISTRY_ACCOUNT.password, OTHER.password, "not-the-password", "first-secret"]) {
      expect(seen).not.toContain(secret);
      expect(seen).not.toContain(Buffer.from(secret).toString("base64"));
    }
  });
});
