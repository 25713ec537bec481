/** Which tokens of machines that are gone are taken back while that of one of them fails. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { KubernetesError, type ControllerParts, type Kubernetes } from "../../../src/controller/index.ts";
import {
  inventoryEntry,
  InventoryIndex,
  type ClusterTokens,
  type FoundToken,
  type OwnedToken,
} from "../../../src/inventory/index.ts";
import { keepClusterTokens, type ClusterTokenKeeper } from "../../../src/inventory/io/cluster-token-keeper.ts";
import { StoredInventory } from "./stored-inventory.ts";

const MANAGED = "c-m-abc";
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

let keeper: ClusterTokenKeeper | undefined;

afterEach(() => keeper?.stop());

function tokenOf(name: string, uid: string): OwnedToken {
  return { where: { namespace: MANAGED, name: `${name}-token` }, owner: { namespace: "fleet-default", name, uid } };
}

/** @param broken  of the machine of that name nothing can be found out */
function scene(owned: readonly OwnedToken[], broken: { readonly name: string; readonly error: KubernetesError }) {
  const live = new StoredInventory(undefined);
  const index = new InventoryIndex();
  index.put(live.entry());
  const left = new Set(owned.map(({ where }) => where.name));
  const asked: string[] = [];
  const kubernetes = {
    async send({ path }) {
      asked.push(path);
      if (path.endsWith(`/${broken.name}`)) throw broken.error;
      // The index is late with this one.
      if (path.endsWith("/young")) return { metadata: { uid: "u-young" } };
      throw new KubernetesError("KUBERNETES_NOT_FOUND", "it is gone");
    },
  } as Kubernetes;
  const notAskedFor = () => Promise.reject(new Error("not asked for"));
  const tokens: ClusterTokens = {
    managementCluster: notAskedFor,
    create: notAskedFor,
    mark: notAskedFor,
    owned: async () => owned,
    async find({ name }) {
      const token = owned.find(({ where }) => where.name === name);
      if (token === undefined || !left.has(name)) return undefined;
      const { namespace, name: machine, uid } = token.owner;
      const ownerName = `${namespace}/${machine}`;
      return { uid: `t-${name}`, resourceVersion: "1", ownerUid: uid, ownerName, value: "secret" };
    },
    async delete({ name }) {
      left.delete(name);
    },
  };
  const lead = { isLeader: () => true, onLeading: () => undefined, kubernetes };
  const parts: ControllerParts = { kubernetes, watchNamespace: undefined, log: SILENT, lead, nowMs: Date.now };
  keeper = keepClusterTokens(parts, tokens, index);
  return { keeper, left, asked };
}

it.each([
  ["can never be found out", new KubernetesError("KUBERNETES_PATH", "names no object")],
  ["cannot be found out now", new KubernetesError("KUBERNETES_UNREACHABLE", "nobody is there")],
])("all but that of the one whose machine %s", async (_, error) => {
  const live = tokenOf("m1", "u1");
  const young = tokenOf("young", "u-young");
  const gone = Array.from({ length: 20 }, (_one, at) => tokenOf(`gone${at}`, `u-gone${at}`));
  const {
    keeper: started,
    left,
    asked,
  } = scene([tokenOf("bad", "u-bad"), live, young, ...gone], {
    name: "bad",
    error,
  });
  started.look();
  await expect.poll(() => [...left].sort()).toEqual(["bad-token", "m1-token", "young-token"]);
  expect(asked.some((path) => path.endsWith("/m1"))).toBe(false);
});

it("at once where the machine was seen to go: nobody is asked whether it is there", async () => {
  const {
    keeper: started,
    left,
    asked,
  } = scene([tokenOf("bad", "u-bad")], {
    name: "bad",
    error: new KubernetesError("KUBERNETES_UNREACHABLE", "nobody is there"),
  });
  const entry = new StoredInventory({
    clusterRegistrationTokenNamespace: MANAGED,
    clusterRegistrationTokenName: "bad-token",
  }).entry();
  started.machineGone({ ...entry, metadata: { ...entry.metadata, name: "bad", uid: "u-bad" } });
  await expect.poll(() => left.size).toBe(0);
  expect(asked).toEqual([]);
});

it("without a word while the API server makes ready for a kind that was not there, and with one where it was", async () => {
  vi.useFakeTimers();
  try {
    const lists: (readonly OwnedToken[] | KubernetesError | undefined)[] = [];
    const busy = new KubernetesError("KUBERNETES_BUSY", "storage is (re)initializing", {
      details: { httpStatus: 429 },
    });
    const warned: unknown[] = [];
    const log = { ...SILENT, warn: (sentence: string) => void warned.push(sentence) };
    const kubernetes: Pick<Kubernetes, "send"> = { send: () => Promise.reject(busy) };
    const notAskedFor = () => Promise.reject(new Error("not asked for"));
    const none = { managementCluster: notAskedFor, create: notAskedFor, mark: notAskedFor, find: notAskedFor };
    const owned = async () => {
      const list = lists.shift();
      if (list instanceof KubernetesError) throw list;
      return list;
    };
    const tokens: ClusterTokens = { ...none, delete: notAskedFor, owned };
    const lead = { isLeader: () => true, onLeading: () => undefined, kubernetes: kubernetes as Kubernetes };
    const parts = { kubernetes: lead.kubernetes, watchNamespace: undefined, log, lead, nowMs: Date.now };
    keeper = keepClusterTokens(parts, tokens, new InventoryIndex());
    lists.push(undefined, busy, [], busy, []);
    const look = async () => {
      keeper?.look();
      await vi.advanceTimersByTimeAsync(60_000);
    };
    await look();
    await look();
    expect([warned, lists.length]).toEqual([[], 2]);
    await look();
    expect([warned, lists.length]).toEqual([["cluster tokens not looked at yet"], 0]);
  } finally {
    vi.useRealTimers();
  }
});

describe("machines that were given to another cluster while nobody looked", () => {
  const machine = (name: string, clusterName: string | undefined, namespace = MANAGED) => ({
    apiVersion: "rancheros.cattle.io/v1",
    kind: "MachineInventory",
    metadata: { name, namespace: "fleet-default", uid: `u-${name}`, resourceVersion: "1" },
    spec: clusterName === undefined ? {} : { clusterName },
    status: {
      clusterRegistrationTokenNamespace: namespace,
      clusterRegistrationTokenName: `${namespace}-${name}-token`,
    },
  });

  /** @param clusters  name to management cluster */
  function moved(objects: readonly ReturnType<typeof machine>[], clusters: ReadonlyMap<string, string>) {
    const index = new InventoryIndex();
    const stored = new Map<string, object>();
    const left = new Map<string, FoundToken>();
    const owned: OwnedToken[] = [];
    for (const object of objects) {
      const { metadata, status } = object;
      const entry = inventoryEntry(object);
      if (entry !== undefined) index.put(entry);
      stored.set(metadata.name, object);
      const [namespace, name] = [status.clusterRegistrationTokenNamespace, status.clusterRegistrationTokenName];
      owned.push({ where: { namespace, name }, owner: metadata });
      const ownerName = `${metadata.namespace}/${metadata.name}`;
      const marks = { ownerUid: metadata.uid, ownerName };
      left.set(`${namespace}/${name}`, { uid: `t-${name}`, resourceVersion: "1", value: "secret", ...marks });
    }
    const asked: string[] = [];
    const kubernetes = {
      async send({ method, path, body }) {
        const name = /machineinventories\/([^/]+)/.exec(path)?.[1] ?? "";
        if (method === "PATCH") stored.set(name, { ...stored.get(name), ...(body as object) });
        return stored.get(name);
      },
    } as Kubernetes;
    const notAskedFor = () => Promise.reject(new Error("not asked for"));
    const tokens: ClusterTokens = {
      async managementCluster(namespace, name) {
        asked.push(`${namespace}/${name}`);
        if (name === "broken") throw new KubernetesError("KUBERNETES_UNREACHABLE", "nobody is there");
        return clusters.get(name);
      },
      create: notAskedFor,
      mark: notAskedFor,
      owned: async () => owned,
      find: async ({ namespace, name }) => left.get(`${namespace}/${name}`),
      async delete({ namespace, name }) {
        left.delete(`${namespace}/${name}`);
      },
    };
    const lead = { isLeader: () => true, onLeading: () => undefined, kubernetes };
    const parts = { kubernetes, watchNamespace: undefined, log: SILENT, lead, nowMs: Date.now };
    keeper = keepClusterTokens(parts, tokens, index);
    const statusOf = (name: string): unknown => Reflect.get(stored.get(name) ?? {}, "status");
    return { keeper, left, asked, statusOf };
  }

  it("lose the token of the first one as soon as the second one is there", async () => {
    const clusters = new Map([["c1", MANAGED]]);
    const scene = moved([machine("m1", "c2"), machine("m2", "c1")], clusters);
    scene.keeper.look();
    await expect.poll(() => scene.asked.toSorted()).toEqual(["fleet-default/c1", "fleet-default/c2"]);
    await new Promise(setImmediate);
    expect(scene.left.size).toBe(2);
    clusters.set("c2", "c-m-two");
    scene.keeper.look();
    await expect.poll(() => [...scene.left.keys()]).toEqual([`${MANAGED}/${MANAGED}-m2-token`]);
    const gone = { clusterRegistrationTokenNamespace: null, clusterRegistrationTokenName: null };
    await expect.poll(() => scene.statusOf("m1")).toEqual(gone);
    expect(scene.statusOf("m2")).toMatchObject({ clusterRegistrationTokenNamespace: MANAGED });
  });

  it("cost one question for each cluster, whatever the number of its machines", async () => {
    const many = Array.from({ length: 50 }, (_, at) => machine(`m${at}`, at % 2 === 0 ? "c1" : "c2"));
    const clusters = new Map([
      ["c1", MANAGED],
      ["c2", MANAGED],
    ]);
    const scene = moved([...many, machine("last", "c3")], new Map([...clusters, ["c3", "c-m-three"]]));
    scene.keeper.look();
    await expect.poll(() => scene.left.size).toBe(50);
    expect(scene.asked.filter((one) => one !== "fleet-default/c3").toSorted()).toEqual([
      "fleet-default/c1",
      "fleet-default/c2",
    ]);
  });

  it("lose it where they were taken out of their cluster, and no other was asked about", async () => {
    const scene = moved([machine("m1", undefined), machine("m2", "c1")], new Map([["c1", MANAGED]]));
    scene.keeper.look();
    await expect.poll(() => [...scene.left.keys()]).toEqual([`${MANAGED}/${MANAGED}-m2-token`]);
    const gone = { clusterRegistrationTokenNamespace: null, clusterRegistrationTokenName: null };
    await expect.poll(() => scene.statusOf("m1")).toEqual(gone);
    expect(scene.asked).toEqual(["fleet-default/c1"]);
  });

  it("lose it also where of another machine's cluster nothing can be found out", async () => {
    const scene = moved([machine("m1", "broken"), machine("m2", "c2")], new Map([["c2", "c-m-two"]]));
    scene.keeper.look();
    await expect.poll(() => [...scene.left.keys()]).toEqual([`${MANAGED}/${MANAGED}-m1-token`]);
  });
});
