/** spec.token.maxMachines while the watch is behind: by the real count, claims and index. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { isCodedError } from "@rancheros/protocol/errors";
import { KubernetesError } from "../../../src/controller/errors.ts";
import { claimMachine } from "../../../src/http/claim-machine.ts";
import {
  createInventoryClaims,
  type InventoryEntry,
  type InventoryIndex,
  type InventoryStore,
} from "../../../src/inventory/index.ts";
import { dueStatus } from "../../../src/inventory/due-status.ts";
import { readableInventory } from "../../../src/inventory/readable-inventory.ts";
import { MachineLimit } from "../../../src/registration/index.ts";
import { ApiServer } from "../inventory/api-server.ts";

const DOOR = {
  metadata: { name: "door", namespace: "n", uid: "u", resourceVersion: "1" },
  spec: { token: { maxMachines: 1 } },
};
const NOW_MS = Date.parse("2026-01-01T00:01:00Z");
const VISIT_MS = 10_000;
const TAKEN_BACK_MS = 60_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function ekHashOf(machine: string): string {
  return machine.charCodeAt(0).toString(16).padStart(2, "0").repeat(32);
}

/** One replica: a visit ends with the name of what the machine got, or with why it got nothing. */
function replica(server: ApiServer, index: InventoryIndex, more: Partial<InventoryStore> = {}) {
  const store = { ...server.store(async () => undefined), ...more };
  const claims = createInventoryClaims(index, store);
  const limit = new MachineLimit<InventoryEntry>({
    machinesOf: (namespace, name) => index.withRegistration(namespace, name),
    withdraw: (entry) => store.withdraw(entry),
    pause: (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs)),
    random: () => 0.5,
  });
  async function visit(machine: string, name = machine, door = DOOR): Promise<string> {
    const ekHash = ekHashOf(machine);
    const labels = { "rancheros.cattle.io/machine-registration": "door", "rancheros.cattle.io/trust": "none" };
    const build = () => ({ metadata: { namespace: "n", name, labels }, spec: { tpm: ekHash } });
    try {
      const { entry } = await claimMachine({ entrance: limit, inventories: index, claims }, door, ekHash, build);
      return entry.metadata.name;
    } catch (error) {
      return isCodedError(error) ? error.code : String(error);
    }
  }
  return { visit, claims, limit, index };
}

function alone(more: Partial<InventoryStore> = {}) {
  const server = new ApiServer();
  const index = server.replica();
  return { server, ...replica(server, index, more) };
}

/** What the leader writes when it has time. */
function statusOf(server: ApiServer, key: string): object {
  const read = readableInventory(server.objects.get(key)?.object);
  const status = read.ok ? dueStatus(read.inventory, NOW_MS) : undefined;
  if (status === undefined) throw new Error(`no status is due for ${key}`);
  return status;
}

/** Whose status the leader does not write yet. */
function surplus({ limit, index }: ReturnType<typeof replica>, server: ApiServer): readonly string[] {
  const names = [...server.objects].map(([key, { object }]) => ({ key, entry: index.named(object) }));
  return names.flatMap(({ key, entry }) => (entry !== undefined && limit.isSurplus(DOOR, entry) ? [key] : []));
}

/** As long as a visit may take. */
async function ended<Result>(visits: Promise<Result>): Promise<Result> {
  await vi.advanceTimersByTimeAsync(VISIT_MS);
  return visits;
}

describe("while the watch shows nothing", () => {
  it("no more come in than allowed, however often they come", async () => {
    const { server, visit } = alone();
    const ends: string[] = [];
    for (const machine of ["a", "b", "a", "b"]) ends.push(await ended(visit(machine)));
    expect(ends.filter((end) => end === "a" || end === "b")).toEqual([]);
    expect([...server.objects.keys()]).toEqual(["n/a"]);
    server.deliverAll();
    expect([await visit("a"), await visit("b")]).toEqual(["a", "REGISTRATION_FULL"]);
    expect(server.created).toBe(1);
  });

  it("a machine has its place, and comes in as soon as the watch is there again, whether it asks then or not", async () => {
    const { server, visit, limit } = alone();
    expect(await ended(visit("a"))).toBe("INVENTORY_UNCERTAIN");
    expect([limit.isFull(DOOR), limit.isUnderway(DOOR, ekHashOf("a")), limit.isUnderway(DOOR, ekHashOf("b"))]).toEqual([
      true,
      true,
      false,
    ]);
    const again = visit("a");
    await vi.advanceTimersByTimeAsync(1_000);
    server.deliverAll();
    expect(await again).toBe("a");
    expect(limit.isUnderway(DOOR, ekHashOf("a"))).toBe(false);
  });

  it("one that another replica made is given to nobody", async () => {
    const server = new ApiServer();
    const [first, second] = [server.replica(), server.replica()];
    void replica(server, first).visit("a");
    await vi.advanceTimersByTimeAsync(0);
    expect(await ended(replica(server, second).visit("a"))).toBe("INVENTORY_UNCERTAIN");
  });
});

describe("once the watch is there again", () => {
  it("the surplus machine of another replica is gone, whoever has waited for it", async () => {
    const server = new ApiServer();
    const [one, other] = [replica(server, server.replica()), replica(server, server.replica())];
    expect(await ended(Promise.all([one.visit("a"), other.visit("b")]))).toEqual([
      "INVENTORY_UNCERTAIN",
      "INVENTORY_UNCERTAIN",
    ]);
    expect(server.objects.size).toBe(2);
    server.deliverAll();
    await vi.advanceTimersByTimeAsync(0);
    expect([...server.objects.keys()]).toEqual(["n/a"]);
  });

  it("one machine has one inventory, where two replicas made two of different names", async () => {
    const server = new ApiServer();
    const [one, other] = [replica(server, server.replica()), replica(server, server.replica())];
    await ended(Promise.all([one.visit("a", "a-first"), other.visit("a", "a-second")]));
    server.deliverAll();
    await vi.advanceTimersByTimeAsync(0);
    expect([...server.objects.keys()]).toEqual(["n/a-first"]);
  });

  it("a surplus machine is given to nobody by the replica that sees it before its maker does", async () => {
    const server = new ApiServer();
    const [one, other] = [replica(server, server.replica()), replica(server, server.replica())];
    await ended(Promise.all([one.visit("a"), one.visit("a"), other.visit("b")]));
    server.deliver(0);
    expect(await one.visit("b")).toBe("REGISTRATION_FULL");
    server.deliverAll();
    await vi.advanceTimersByTimeAsync(0);
    expect([...server.objects.keys()]).toEqual(["n/a"]);
  });

  it("a surplus machine that somebody has answered meanwhile stays, however late its maker sees it", async () => {
    const server = new ApiServer();
    const [one, other] = [replica(server, server.replica()), replica(server, server.replica())];
    await ended(Promise.all([one.visit("a"), one.visit("a"), other.visit("b")]));
    server.deliver(0);
    expect(await one.visit("b")).toBe("REGISTRATION_FULL");
    expect(surplus(one, server)).toEqual(["n/b"]);
    server.change("n/b", statusOf(server, "n/b"));
    server.deliver(0);
    expect(surplus(one, server)).toEqual([]);
    expect(await one.visit("b")).toBe("b");
    server.deliverAll();
    await vi.advanceTimersByTimeAsync(0);
    expect([...server.objects.keys()]).toEqual(["n/a", "n/b"]);
    expect(await other.visit("b")).toBe("b");
  });

  it("a surplus machine stays where it is answered between the look of its maker and the deletion", async () => {
    const server = new ApiServer();
    const store = server.store(async () => undefined);
    const one = replica(server, server.replica());
    const other = replica(server, server.replica(), {
      async withdraw(entry) {
        if (server.objects.get("n/b")?.object.status === undefined) server.change("n/b", statusOf(server, "n/b"));
        return store.withdraw(entry);
      },
    });
    const visits = Promise.all([one.visit("a"), other.visit("b")]);
    await vi.advanceTimersByTimeAsync(0);
    server.deliverAll();
    expect(await visits).toEqual(["a", "b"]);
    expect([...server.objects.keys()]).toEqual(["n/a", "n/b"]);
  });

  it("a surplus machine goes that somebody has written to, but nobody has answered", async () => {
    const server = new ApiServer();
    const [one, other] = [replica(server, server.replica()), replica(server, server.replica())];
    const visits = Promise.all([one.visit("a"), other.visit("b")]);
    await vi.advanceTimersByTimeAsync(0);
    server.deliver(0);
    server.deliver(1, 2);
    server.change("n/b", {});
    await vi.advanceTimersByTimeAsync(VISIT_MS);
    expect(await visits).toEqual(["a", "REGISTRATION_FULL"]);
    expect([...server.objects.keys()]).toEqual(["n/a"]);
  });

  it("a surplus machine that cannot be deleted at once is deleted later, and not let in meanwhile", async () => {
    let refusals = 3;
    const server = new ApiServer();
    const store = server.store(async () => undefined);
    const one = replica(server, server.replica());
    const other = replica(server, server.replica(), {
      async withdraw(entry) {
        refusals -= 1;
        if (refusals >= 0) throw new KubernetesError("KUBERNETES_UNREACHABLE", "nobody is there");
        return store.withdraw(entry);
      },
    });
    await ended(Promise.all([one.visit("a"), other.visit("b")]));
    server.deliverAll();
    await vi.advanceTimersByTimeAsync(0);
    expect([...server.objects.keys()]).toEqual(["n/a", "n/b"]);
    expect(await ended(other.visit("b"))).toBe("REGISTRATION_FULL");
    expect([...server.objects.keys()]).toEqual(["n/a"]);
  });
});

describe("a machine that the watch never shows", () => {
  it("is taken back, and may come again", async () => {
    const { server, visit, limit } = alone();
    await ended(visit("a"));
    await vi.advanceTimersByTimeAsync(TAKEN_BACK_MS);
    expect([server.objects.size, limit.isFull(DOOR)]).toEqual([0, false]);
    const again = visit("b");
    await vi.advanceTimersByTimeAsync(0);
    server.deliverAll();
    expect(await again).toBe("b");
  });

  it("keeps its place until it is gone, where it cannot be taken back", async () => {
    let isBroken = true;
    const server = new ApiServer();
    const store = server.store(async () => undefined);
    const { visit, limit } = replica(server, server.replica(), {
      async withdraw(entry) {
        if (isBroken) throw new KubernetesError("KUBERNETES_UNREACHABLE", "nobody is there");
        return store.withdraw(entry);
      },
    });
    await ended(visit("a"));
    await vi.advanceTimersByTimeAsync(TAKEN_BACK_MS);
    expect(await ended(visit("b"))).toBe("REGISTRATION_FULL");
    isBroken = false;
    await vi.advanceTimersByTimeAsync(2 * TAKEN_BACK_MS);
    expect([server.objects.size, limit.isFull(DOOR)]).toEqual([0, false]);
  });

  it("stays where another replica, which sees it, has answered it", async () => {
    const server = new ApiServer();
    const [behind, ahead] = [server.replica(), server.replica()];
    const { visit, limit } = replica(server, behind);
    await ended(visit("a"));
    server.deliver(1);
    expect(await replica(server, ahead).visit("a")).toBe("a");
    // What a proof writes.
    server.change("n/a", { lastSeen: "2026-01-01T00:00:00Z" });
    await vi.advanceTimersByTimeAsync(2 * TAKEN_BACK_MS);
    expect([server.objects.size, limit.isFull(DOOR)]).toEqual([1, true]);
    server.deliver(0);
    expect(await visit("a")).toBe("a");
  });

  it("is taken back by a replica that stops", async () => {
    const { server, visit, claims } = alone();
    await ended(visit("a"));
    await claims.stop();
    expect(server.objects.size).toBe(0);
  });
});

it("gives both visits of a surplus machine at once the same refusal", async () => {
  const server = new ApiServer();
  const [one, other] = [replica(server, server.replica()), replica(server, server.replica())];
  const visits = Promise.all([one.visit("a"), other.visit("b"), other.visit("b")]);
  await vi.advanceTimersByTimeAsync(0);
  server.deliverAll();
  expect(await visits).toEqual(["a", "REGISTRATION_FULL", "REGISTRATION_FULL"]);
  expect([...server.objects.keys()]).toEqual(["n/a"]);
});

it("keeps those in that this replica has let in, where fewer are allowed now and their status says nothing yet", async () => {
  const { server, visit } = alone();
  const wide = { ...DOOR, spec: { token: { maxMachines: 3 } } };
  const visits = Promise.all(["a", "b", "c"].map((machine) => visit(machine, machine, wide)));
  await vi.advanceTimersByTimeAsync(0);
  server.deliverAll();
  expect(await visits).toEqual(["a", "b", "c"]);
  expect([await visit("c"), await visit("d")]).toEqual(["c", "REGISTRATION_FULL"]);
});
