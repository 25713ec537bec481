/** A version that is read anew, where the watch shows nothing. */
import { KubeConfig } from "@kubernetes/client-node";
import { afterEach, beforeEach, expect, it } from "vitest";
import { KubernetesError, type Kubernetes } from "../../../src/controller/index.ts";
import { runVersionController, type VersionController } from "../../../src/versions/index.ts";

const silent = () => undefined;
const log = { debug: silent, info: silent, warn: silent, error: silent };

function version(upgradeImage: string, resourceVersion: string): object {
  return {
    apiVersion: "rancheros.cattle.io/v1",
    kind: "ManagedOSVersion",
    metadata: { name: "v", namespace: "n", uid: "u", resourceVersion },
    spec: { version: "v1.0.0", metadata: { upgradeImage } },
  };
}

let stored: object | undefined;
let told: string[];
let controller: VersionController;

beforeEach(async () => {
  stored = version("r.example.com/os:v1", "3");
  told = [];
  const kubernetes: Kubernetes = {
    config: new KubeConfig(),
    async send({ path }) {
      if (path.includes("?")) return { items: [stored], metadata: { resourceVersion: "7" } };
      expect(path).toBe("/apis/rancheros.cattle.io/v1/namespaces/n/managedosversions/v");
      if (stored === undefined) throw new KubernetesError("KUBERNETES_NOT_FOUND", "it is not there");
      return stored;
    },
    open: (_path, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("ended")));
      }),
  };
  const lead = { isLeader: () => false, onLeading: silent, kubernetes };
  controller = runVersionController(
    { kubernetes, lead, log, watchNamespace: "n", nowMs: Date.now },
    (namespace, name) => {
      told.push(`${namespace}/${name} ${controller.versions.find(namespace, name)?.metadata?.upgradeImage ?? ""}`);
    },
  );
  await expect.poll(() => controller.synced()).toBe(true);
  told.length = 0;
});

afterEach(() => controller.stop());

it("is taken and told of where it is another one", async () => {
  await controller.refresh("n", "v");
  expect(told).toEqual([]);
  stored = version("r.example.com/os:v2", "5");
  await controller.refresh("n", "v");
  expect(told).toEqual(["n/v r.example.com/os:v2"]);
});

it("stays as it was known where it is not there: whether it is gone the watch says", async () => {
  stored = undefined;
  await controller.refresh("n", "v");
  expect(told).toEqual([]);
  expect(controller.versions.find("n", "v")?.metadata?.upgradeImage).toBe("r.example.com/os:v1");
});
