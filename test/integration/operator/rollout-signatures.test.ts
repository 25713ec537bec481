/** A rollout of an image that has to be signed: refused before any machine is told of it, and begun by a signature. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { kubectl } from "../../control-plane/kubectl.ts";
import { createNamespace, removeNamespace } from "../../control-plane/namespace.ts";
import { joinMachines } from "../../machine/join-machines.ts";
import type { PlayedMachine } from "../../machine/played-machine.ts";
import { askPlan } from "../../machine/upgrading-machine.ts";
import { fleetCrds, fleetObject } from "../../operator/fleet-crds.ts";
import { eventually } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { conditionOf, rolloutImages } from "../../operator/rollout-images.ts";
import { buildOsImage, imageReference, pushImage, startRegistry, type TestRegistry } from "../../registry/index.ts";
import { keySigner, pushSignatures, simpleSigning, startAuthorities } from "../../sigstore/index.ts";

const controlPlane = inject("controlPlane");
const namespace = "rollout-signatures";
const folder = mkdtempSync(path.join(tmpdir(), "rollout-signatures-"));
const images = rolloutImages(controlPlane, namespace);
const ours = keySigner();
const targets = [{ clusterName: "c1" }];
let operator: OperatorProcess;
let registry: TestRegistry;
let machine: PlayedMachine;

async function push(repository: string): Promise<string> {
  const image = buildOsImage({ release: `IMAGE=${repository}\n`, upgradeScript: "#!/bin/sh\n" });
  return pushImage(registry, repository, "v1", image);
}

const next = () => operator.httpUrl;

beforeAll(async () => {
  registry = await startRegistry({ folder: path.join(folder, "registry") });
  const { trustedRoot } = await startAuthorities();
  const keyless = { issuer: "https://issuer.example.com", subject: "somebody@example.com", trustedRoot };
  const policy = path.join(folder, "policy.yaml");
  const rules = [
    { images: [`${registry.host}/warned`], mode: "warn", require: [{ publicKey: ours.pem }] },
    { images: [`${registry.host}/**`], require: [{ publicKey: ours.pem }, { keyless }] },
  ];
  writeFileSync(policy, JSON.stringify(rules));
  await createNamespace(controlPlane, namespace);
  await applyObjects(controlPlane, ...fleetCrds());
  await applyObjects(controlPlane, fleetObject("Cluster", namespace, "c1"));
  const flags = [`--insecure-registry=${registry.host}`, `--image-policy=${policy}`];
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

it("refuses a rollout of an unsigned image with the reason, tells no machine of it, and begins it when it is signed", async () => {
  const digest = await push("os");
  await images.make("os", { osImage: imageReference(registry, "os", "v1"), targets });
  const refused = await images.until("os", "Refused", ({ state }) => state === "Refused");
  expect(conditionOf(refused, "Resolved")).toMatchObject({ status: "False", reason: "SIGNATURE_MISSING" });
  expect(refused.message).toContain(`${registry.host}/os@${digest} is not signed`);
  expect(refused).toMatchObject({ total: 1, updating: 0 });
  expect(refused.slots ?? []).toEqual([]);
  expect(refused.digest).toBeUndefined();
  expect((await askPlan(next, machine.session)).answer).toMatchObject({
    plan: undefined,
    waiting: { reason: "Unresolved" },
  });

  const stranger = keySigner();
  const name = `${registry.host}/os`;
  await pushSignatures(registry, "os", digest, [simpleSigning(stranger, name, digest)]);
  await images.until("os", "untrusted", (one) => conditionOf(one, "Resolved")?.reason === "SIGNATURE_UNTRUSTED");

  await pushSignatures(registry, "os", digest, [
    simpleSigning(stranger, name, digest),
    simpleSigning(ours, name, digest),
  ]);
  const begun = await images.until("os", "begun", ({ state }) => state === "Progressing");
  expect(begun.digest).toBe(digest);
  const plan = await eventually(async () => (await askPlan(next, machine.session)).answer?.plan, "a plan");
  expect(plan.reference).toBe(`${name}@${digest}`);
  await images.remove("os");
});

it("refuses it also where only the image of a container is unsigned, and where the image is named by its digest", async () => {
  const [digest] = [await push("signed"), await push("tools")];
  await pushSignatures(registry, "signed", digest, [simpleSigning(ours, `${registry.host}/signed`, digest)]);
  const osImage = `${registry.host}/signed@${digest}`;
  await images.make("tools", { osImage, prepare: { image: imageReference(registry, "tools", "v1") }, targets });
  const refused = await images.until("tools", "Refused", ({ state }) => state === "Refused");
  expect(refused.message).toContain("/tools@");
  await images.remove("tools");
});

it("begins a rollout of an unsigned image where the policy only warns, and says so in an Event", async () => {
  await push("warned");
  await images.make("warned", { osImage: imageReference(registry, "warned", "v1"), targets });
  const begun = await images.until("warned", "resolved", (one) => conditionOf(one, "Resolved")?.status === "True");
  expect(begun.reference).toContain(`${registry.host}/warned@sha256:`);
  const notes = await eventually(async () => {
    const at = [`--namespace=${namespace}`, "--output=jsonpath={.items[?(@.reason=='SIGNATURE_MISSING')].note}"];
    const found = await kubectl(controlPlane, ["get", "events.events.k8s.io", ...at]);
    return found.includes("is rolled out although") ? found : undefined;
  }, "an Event about it");
  expect(notes).toContain(`${registry.host}/warned:v1 is rolled out although`);
  await images.remove("warned");
});
