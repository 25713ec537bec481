/** That a real API server has the version of a status as it was written last, and nothing of the one before. */
import { expect, inject, it } from "vitest";
import { applyObjects } from "../../../../../test/control-plane/apply-objects.ts";
import { useNamespace } from "../../../../../test/control-plane/namespace.ts";
import { connectKubernetes, loadKubeConfig } from "../../../src/controller/index.ts";
import { imageStore } from "../../../src/rollout/io/image-store.ts";
import { canonicalJson } from "../../../src/rollout/plan-id.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "version-copy");
const store = imageStore(connectKubernetes(loadKubeConfig(target.kubeconfigPath)));

it("keeps nothing of the version before, and all that a version may have", async () => {
  const metadata = { name: "os", namespace };
  const spec = { managedOSVersionName: "v1" };
  await applyObjects(target, { apiVersion: "rancheros.cattle.io/v1", kind: "ManagedOSImage", metadata, spec });
  const made = await store.read(namespace, "os");
  if (made === undefined) throw new Error("it was made");
  const upgradeImage = "registry.example.com/os:v1";
  const first = {
    name: "v1",
    spec: {
      version: "v1.0.0",
      minVersion: "v0.9.0",
      metadata: { upgradeImage, displayName: "One", more: { deep: [1, { a: null }] } },
      upgradeContainer: { command: ["/up"], env: [{ name: "A", value: "b" }] },
    },
  };
  const one = await store.writeStatus(made, { version: first });
  expect(canonicalJson(one.status?.version)).toBe(canonicalJson(first));
  const second = { name: "v2", spec: { version: "v2.0.0", metadata: { upgradeImage }, upgradeContainer: null } };
  const two = await store.writeStatus(one, { version: second });
  expect(canonicalJson(two.status?.version)).toBe(canonicalJson(second));
  expect(Object.keys(two.status?.version?.spec ?? {}).sort()).toEqual(["metadata", "version"]);
});
