/** A version that is read anew, where the watch shows nothing. */
import { Readable } from "node:stream";
import { KubeConfig } from "@kubernetes/client-node";
import { afterEach, beforeEach, expect, it } from "vitest";
import { KubernetesError, type Kubernetes } from "../../../src/controller/index.ts";
import { runVersionController, type VersionController } from "../../../src/versions/index.ts";

const silent = () => undefined;
const log = { debug: silent, info: silent, warn: silent, error: silent };

const metadata = { name: "v", namespace: "n", uid: "u" };

function version(upgradeImage: string, resourceVersion: string): object {
  return {
    apiVersion: "rancheros.cattle.io/v1",
    kind: "ManagedOSVersion",
    metadata: { ...metadata, resourceVersion },
    spec: { version: "v1.0.0", metadata: { upgradeImage } },
  };
}

let stored: object | undefined;
let told: string[];
let watch: Readable | undefined;
/** What is asked is answered then, with what was stored before. */
let answers: Promise<void>;
let controller: VersionController;

beforeEach(async () => {
  stored = version("r.example.com/os:v1", "3");
  told = [];
  answers = Promise.resolve();
  const kubernetes: Kubernetes = {
    config: new KubeConfig(),
    async send({ path }) {
      if (path.includes("?")) return { items: [stored], metadata: { resourceVersion: "7" } };
      expect(path).toBe("/apis/rancheros.cattle.io/v1/namespaces/n/managedosversions/v");
      const answer = stored;
      await answers;
      if (answer === undefined) throw new KubernetesError("KUBERNETES_NOT_FOUND", "it is not there");
      return answer;
    },
    open: async (_path, signal) => {
      watch = new Readable({ read: silent, signal });
      return watch;
    },
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

it("does not come back by an answer that was on its way while the watch showed that it is gone", async () => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  answers = promise;
  const asked = controller.refresh("n", "v");
  watch?.push(`${JSON.stringify({ type: "DELETED", object: version("r.example.com/os:v1", "9") })}\n`);
  await expect.poll(() => controller.versions.find("n", "v")).toBeUndefined();
  resolve(undefined);
  await asked;
  expect(controller.versions.find("n", "v")).toBeUndefined();
  const made = {
    ...version("r.example.com/os:v2", "12"),
    metadata: { ...metadata, uid: "another", resourceVersion: "12" },
  };
  watch?.push(`${JSON.stringify({ type: "ADDED", object: made })}\n`);
  await expect.poll(() => controller.versions.find("n", "v")?.metadata?.upgradeImage).toBe("r.example.com/os:v2");
});
