/** etcd is put back to a snapshot while the operator runs: it goes by what there is, and not by what it has seen. */
import { cpSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { applyCrds } from "../../control-plane/apply-crds.ts";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { startControlPlane, type ControlPlane } from "../../control-plane/control-plane.ts";
import { createNamespace } from "../../control-plane/namespace.ts";
import { eventually, getObject, makeRegistration } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";

const namespace = "fleet";
const folder = mkdtempSync(path.join(tmpdir(), "etcd-"));
const snapshot = path.join(folder, "snapshot");
let target: ControlPlane;
let operator: OperatorProcess;

beforeAll(async () => {
  target = await startControlPlane({ folder: path.join(folder, "c") });
  await applyCrds(target);
  await createNamespace(target, namespace);
  const { kubeconfigPath } = target;
  // Its rights come late after each start of the API server.
  const options = { namespace, watchNamespace: namespace, mayBeForbidden: true };
  operator = await startOperator({ folder: path.join(folder, "o"), kubeconfigPath, ...options });
});
afterAll(async () => {
  await operator.stop();
  await target.stop();
  rmSync(folder, { recursive: true });
});

function image(name: string, more: object = {}): object {
  const spec = { osImage: "127.0.0.1:1/os:1", targets: [], ...more };
  return { apiVersion: "rancheros.cattle.io/v1", kind: "ManagedOSImage", metadata: { name, namespace }, spec };
}

async function isPaused(name: string, paused: string): Promise<void> {
  await eventually(async () => {
    const { status } = (await getObject(target, "managedosimage", namespace, name)) ?? {};
    const conditions: unknown = status?.["conditions"];
    const said: readonly unknown[] = Array.isArray(conditions) ? conditions : [];
    return said.some((one) => JSON.stringify(one).includes(`"status":"${paused}","type":"Paused"`)) ? true : undefined;
  }, `${name} is paused: ${paused}`);
}

it("takes up what is made and changed from then on, and what was made in between is gone", async () => {
  await applyObjects(target, image("os"));
  await isPaused("os", "False");
  await target.changeEtcdData((data) => cpSync(data, snapshot, { recursive: true }));
  for (let count = 0; count < 300; count += 1) {
    const data = { count: String(count) };
    await applyObjects(target, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "more", namespace }, data });
  }
  await makeRegistration(target, namespace, "lost");
  await applyObjects(target, image("os", { suspend: true }));
  await isPaused("os", "True");
  await target.changeEtcdData((data) => {
    rmSync(data, { recursive: true });
    renameSync(snapshot, data);
  });
  await isPaused("os", "False");
  await makeRegistration(target, namespace, "after");
  await applyObjects(target, image("os", { concurrency: 0 }));
  await isPaused("os", "True");
  expect(await getObject(target, "mreg", namespace, "lost")).toBeUndefined();
  expect(operator.log()).toContain("KUBERNETES_WENT_BACK");
});
