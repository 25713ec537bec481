/** What the status of an inventory lacks is written, where it is an inventory. */
import { expect, it } from "vitest";
import type { Kubernetes } from "../../../src/controller/index.ts";
import { settleStatus } from "../../../src/inventory/io/inventory-store.ts";
import { StoredInventory } from "./stored-inventory.ts";

it("is written once", async () => {
  const stored = new StoredInventory(undefined);
  const kubernetes = { send: stored.send } as Kubernetes;
  await stored.send({ method: "PATCH", path: "", body: { spec: { approval: "Approved" } } });
  stored.versions.length = 0;
  await settleStatus(kubernetes, "fleet-default", "m1", Date.now);
  await settleStatus(kubernetes, "fleet-default", "m1", Date.now);
  expect(stored.versions).toHaveLength(1);
});

it("is left alone where the object is nonsense, which no further try makes better", async () => {
  const asked: string[] = [];
  const metadata = { name: "m1", namespace: "fleet-default", uid: "u1", resourceVersion: "1" };
  const kubernetes = {
    async send({ method }) {
      asked.push(method);
      return { metadata, spec: 1 };
    },
  } as Kubernetes;
  await settleStatus(kubernetes, "fleet-default", "m1", Date.now);
  expect(asked).toEqual(["GET"]);
});
