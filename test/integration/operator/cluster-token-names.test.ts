/** Two machines whose long names are cut to the same name of a ClusterRegistrationToken: neither gets the other one's. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { INVENTORY_NAME_ANNOTATION } from "@rancheros/protocol/resources";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { applyCrds } from "../../control-plane/apply-crds.ts";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { startControlPlane, type ControlPlane } from "../../control-plane/control-plane.ts";
import { createNamespace } from "../../control-plane/namespace.ts";
import { eventually, listObjects, removeObject } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { rancherCrds, rancherObject } from "../../operator/rancher-crds.ts";

// Rancher's kinds are cluster-wide: a control plane of its own keeps them from the other tests.
const { binariesFolder } = inject("controlPlane");
const folder = mkdtempSync(path.join(tmpdir(), "cluster-token-names-"));
const namespace = "fleet-default";
// The first two of a counted row whose names are cut to the same.
const ONE = "machine-in-a-rack-of-the-north-eastern-data-centre-323";
const OTHER = "machine-in-a-rack-of-the-north-eastern-data-centre-2747";
const TOKEN = "c-m-abc-machine-in-a-rack-of-the-north-eastern-data-centr-03bbb";
let controlPlane: ControlPlane;
let operator: OperatorProcess;

function inventory(name: string): object {
  const spec = { clusterName: "mycluster" };
  return { apiVersion: "rancheros.cattle.io/v1", kind: "MachineInventory", metadata: { name, namespace }, spec };
}

async function ownerOf(): Promise<string | undefined> {
  const tokens = await listObjects(controlPlane, "clusterregistrationtokens", "c-m-abc");
  return tokens.find(({ metadata }) => metadata.name === TOKEN)?.metadata.annotations?.[INVENTORY_NAME_ANNOTATION];
}

const becomes = (owner: string | undefined, what: string) =>
  eventually(async () => ((await ownerOf()) === owner ? true : undefined), what);

beforeAll(async () => {
  controlPlane = await startControlPlane({ folder, binariesFolder });
  await applyCrds(controlPlane);
  await applyObjects(controlPlane, ...rancherCrds());
  for (const name of [namespace, "c-m-abc", "operator"]) await createNamespace(controlPlane, name);
  const cluster = rancherObject("Cluster", namespace, "mycluster", { spec: {}, status: { clusterName: "c-m-abc" } });
  await applyObjects(controlPlane, cluster);
  const { kubeconfigPath } = controlPlane;
  operator = await startOperator({ folder, kubeconfigPath, namespace: "operator", serverUrl: "https://r.example.com" });
});

afterAll(async () => {
  await operator.stop();
  await controlPlane.stop();
  rmSync(folder, { recursive: true, force: true });
});

it("the first one keeps its token, the second one is refused with a reason, and gets it when the first is gone", async () => {
  await applyObjects(controlPlane, inventory(ONE));
  await becomes(`${namespace}/${ONE}`, "the first token");
  await applyObjects(controlPlane, inventory(OTHER));
  const refusals = () => operator.log().split("CLUSTER_TOKEN_NAME_TAKEN").length - 1;
  await eventually(async () => (refusals() > 0 ? true : undefined), "the refusal in the log");
  expect(await ownerOf()).toBe(`${namespace}/${ONE}`);
  // It is tried again and again, and said once.
  await sleep(2_000);
  expect(refusals()).toBe(1);
  await removeObject(controlPlane, "machineinventory", namespace, ONE);
  await becomes(`${namespace}/${OTHER}`, "the other's token");
  await removeObject(controlPlane, "machineinventory", namespace, OTHER);
  await becomes(undefined, "the end of the other's token");
});
