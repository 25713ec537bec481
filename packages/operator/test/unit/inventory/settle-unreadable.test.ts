/** What is done in the cluster for an inventory that cannot be read: nothing of ours holds it up, and people are told. */
import { LEGACY_INVENTORY_FINALIZER } from "@rancheros/protocol/resources";
import { expect, it } from "vitest";
import { KubernetesError, type Kubernetes } from "../../../src/controller/index.ts";
import type { ClusterTokens } from "../../../src/inventory/index.ts";
import { settleInventory, settleNamedToken } from "../../../src/inventory/io/inventory-store.ts";
import { machineScene } from "./machine-scene.ts";

const UNREADABLE = { clusterName: "c1", config: { labels: { rack: 7 } } };
const notAskedFor = () => Promise.reject(new Error("not asked for"));
const tokens: ClusterTokens = {
  managementCluster: notAskedFor,
  find: notAskedFor,
  create: notAskedFor,
  mark: notAskedFor,
  delete: notAskedFor,
  owned: notAskedFor,
};
const settle = (kubernetes: Kubernetes) => settleInventory(kubernetes, tokens, "fleet-default", "m1", () => false);

it("finalizers that were left behind are taken off, and no others", async () => {
  const finalizers = ["example.com/theirs", LEGACY_INVENTORY_FINALIZER];
  const { kubernetes, entry, metadata } = machineScene({}, UNREADABLE, { finalizers });
  expect(entry().needsWork).toBe(true);
  const told = await settle(kubernetes);
  expect(metadata()).toMatchObject({ finalizers: ["example.com/theirs"] });
  expect(told).toMatchObject({
    code: "INVENTORY_UNREADABLE",
    message: expect.stringContaining("fleet-default/m1: /spec/config/labels/rack must be string") as unknown,
  });
});

it("people are told also where there is no finalizer, and not of one that is on its way out", async () => {
  const there = machineScene({}, UNREADABLE);
  expect(there.entry().needsWork).toBe(true);
  expect(await settle(there.kubernetes)).toMatchObject({ code: "INVENTORY_UNREADABLE" });
  expect(there.counts().writes).toBe(0);
  const deletionTimestamp = "2030-01-01T00:00:00Z";
  const going = machineScene({}, UNREADABLE, { deletionTimestamp, finalizers: [LEGACY_INVENTORY_FINALIZER] });
  expect(await settle(going.kubernetes)).toBeUndefined();
  expect(going.metadata()).toMatchObject({ finalizers: [] });
});

it("an API server that does not take the object without its finalizer is asked once", async () => {
  const { kubernetes } = machineScene({}, UNREADABLE, { finalizers: [LEGACY_INVENTORY_FINALIZER] });
  const refused = new KubernetesError("KUBERNETES_REFUSED", "spec.config.labels.rack: Invalid value");
  const strict = {
    send: async (request) => (request.method === "GET" ? kubernetes.send(request) : Promise.reject(refused)),
  } as Kubernetes;
  expect(await settle(strict)).toBe(refused);
});

it("its token stays as it is", async () => {
  const named = { clusterRegistrationTokenNamespace: "c-m-abc", clusterRegistrationTokenName: "c-m-abc-m1-token" };
  const { kubernetes } = machineScene(named, UNREADABLE);
  expect(await settleNamedToken(kubernetes, tokens, "fleet-default", "m1")).toBe("as-it-is");
});
