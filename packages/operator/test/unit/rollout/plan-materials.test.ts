/** What an image refers to, read once for many machines that ask at the same time. */
import { KubeConfig } from "@kubernetes/client-node";
import type { ManagedOSImage } from "@rancheros/protocol/resources";
import { expect, it } from "vitest";
import type { Kubernetes } from "../../../src/controller/index.ts";
import { NO_REGISTRY_SETTINGS } from "../../../src/registry/index.ts";
import { planMaterials, type MaterialsOptions } from "../../../src/rollout/io/plan-materials.ts";

const notUsed = (): Promise<never> => Promise.reject(new Error("not used"));
/** No digest is asked for. */
const unused: Omit<MaterialsOptions, "kubernetes" | "nowMs"> = {
  registry: { send: notUsed, nowMs: () => 0 },
  registrySettings: NO_REGISTRY_SETTINGS,
  imagePolicy: { rules: [], warnings: [] },
  verifyKeyless: notUsed,
  onUnsigned: () => undefined,
};

function scene() {
  const read: string[] = [];
  const kubernetes: Kubernetes = {
    config: new KubeConfig(),
    async send({ path }) {
      read.push(path);
      return { data: { NAME: path.slice(path.lastIndexOf("/") + 1) } };
    },
    open: notUsed,
  };
  return { read, materials: planMaterials({ ...unused, kubernetes, nowMs: () => 0 }) };
}

/** As a ManagedOSVersion says it: its changes are none of the image's generation. */
function image(configMap: string): ManagedOSImage {
  const metadata = { name: "os", namespace: "fleet-local", uid: "u", resourceVersion: "1", generation: 1 };
  const upgradeContainer = { envFrom: [{ configMapRef: { name: configMap } }] };
  return { metadata, spec: { managedOSVersionName: "v", osImage: "r.example.com/os:v1", upgradeContainer } };
}

it("is read once for all", async () => {
  const { read, materials } = scene();
  const all = await Promise.all([image("one"), image("one")].map((one) => materials.materials(one)));
  expect(all.map(({ upgradeEnv }) => upgradeEnv)).toEqual([{ NAME: "one" }, { NAME: "one" }]);
  expect(read).toHaveLength(1);
});

it("is read anew where the version names something else", async () => {
  const { materials } = scene();
  expect((await materials.materials(image("one"))).upgradeEnv).toEqual({ NAME: "one" });
  expect((await materials.materials(image("two"))).upgradeEnv).toEqual({ NAME: "two" });
});
