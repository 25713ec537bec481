import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createInventoryClaims } from "../../../src/inventory/claim-inventory.ts";
import { inventoryEntry } from "../../../src/inventory/inventory-entry.ts";
import { InventoryIndex } from "../../../src/inventory/inventory-index.ts";
import { ApiServer } from "./api-server.ts";

const EK = "ab".repeat(32);

function build(prefix: string, tpm = EK) {
  return (attempt: number) => ({ metadata: { namespace: "n", name: `${prefix}${attempt}` }, spec: { tpm } });
}

describe("claims", () => {
  it("takes the inventory that is there, made by hand, without a write", async () => {
    const server = new ApiServer();
    const index = server.replica();
    server.add("other", "by-hand", EK);
    server.deliverAll();
    const claims = createInventoryClaims(
      index,
      server.store(async () => undefined),
    );
    const claim = await claims.claim(EK, build("m"));
    expect(claim).toMatchObject({ made: false, entry: { metadata: { name: "by-hand" } } });
    expect(server.created).toBe(1);
  });

  it("hands on the object that it made, unless the cluster made something else of it", async () => {
    for (const approval of [undefined, "Pending"]) {
      const server = new ApiServer();
      const index = server.replica();
      const store = server.store(async () => undefined);
      const claims = createInventoryClaims(index, {
        ...store,
        async create(wanted) {
          const made = await store.create(wanted);
          const stored = approval === undefined ? made : { ...(made as object), spec: { tpm: EK, approval } };
          index.put(inventoryEntry(stored)!);
          return made;
        },
      });
      const claim = await claims.claim(EK, build("m"));
      expect(claim.made).toBe(true);
      expect(claim.entry.approval).toBe(approval ?? "Approved");
      expect(claim.object === undefined).toBe(approval === "Pending");
    }
  });

  it("goes on to the next name where another machine has the first", async () => {
    const server = new ApiServer();
    const index = server.replica();
    server.add("n", "m0", "cd".repeat(32));
    const claims = createInventoryClaims(
      index,
      server.store(async () => server.deliverAll()),
    );
    const claim = await claims.claim(EK, build("m"));
    expect(claim).toMatchObject({ made: true, entry: { metadata: { name: "m1" } } });
  });

  it("gives up, for a later try, where all names are taken", async () => {
    const server = new ApiServer();
    const index = server.replica();
    for (let attempt = 0; attempt < 5; attempt += 1) server.add("n", `m${attempt}`, "cd".repeat(32));
    const claims = createInventoryClaims(
      index,
      server.store(async () => server.deliverAll()),
    );
    await expect(claims.claim(EK, build("m"))).rejects.toMatchObject({ code: "INVENTORY_NO_NAME", retry: "backoff" });
  });

  it("refuses for now where the machine's inventory is on its way out", async () => {
    const index = new InventoryIndex();
    const metadata = {
      name: "m",
      namespace: "n",
      uid: "u",
      resourceVersion: "1",
      deletionTimestamp: "2026-01-01T00:00:00Z",
    };
    index.put(inventoryEntry({ metadata, spec: { tpm: EK } })!);
    const claims = createInventoryClaims(
      index,
      new ApiServer().store(async () => undefined),
    );
    await expect(claims.claim(EK, build("m"))).rejects.toMatchObject({ code: "INVENTORY_BEING_DELETED" });
  });

  it("makes one object for two requests of one machine at once, and both get it", async () => {
    const server = new ApiServer();
    const index = server.replica();
    const claims = createInventoryClaims(
      index,
      server.store(async () => server.deliverAll()),
    );
    const both = await Promise.all([claims.claim(EK, build("a")), claims.claim(EK, build("b"))]);
    expect(both.map((claim) => claim.entry.metadata.name)).toEqual(["a0", "a0"]);
    expect(both.map((claim) => claim.made)).toEqual([true, false]);
    expect(server.objects.size).toBe(1);
  });

  it("leaves one object, whatever two replicas do in whatever order, also under different names", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 1 }), fc.integer({ min: 1, max: 3 })), { maxLength: 12 }),
        fc.constantFrom(["a", "a"], ["a", "b"], ["b", "a"]),
        async (scheduler, deliveries, names) => {
          const server = new ApiServer();
          const indexes = [server.replica(), server.replica()];
          const pause = async () => scheduler.schedule(Promise.resolve());
          const requests = indexes.map((index, replica) =>
            createInventoryClaims(index, server.store(pause)).claim(EK, build(names[replica] ?? "")),
          );
          for (const [replica, count] of deliveries) {
            void scheduler.schedule(Promise.resolve()).then(() => server.deliver(replica, count));
          }
          // The watch delivers in the end; what that sets free is scheduled in its turn.
          for (let round = 0; round < 6; round += 1) {
            await scheduler.waitAll();
            server.deliverAll();
            await new Promise(setImmediate);
          }
          const claims = await Promise.all(requests);
          expect(server.objects.size).toBe(1);
          const [left] = server.objects.values();
          expect(claims.map((claim) => claim.entry.metadata.uid)).toEqual([left?.uid, left?.uid]);
        },
      ),
      { numRuns: 300 },
    );
  });
});
