/** Which tokens of machines that are gone are taken back while that of one of them fails. */
import { afterEach, expect, it, vi } from "vitest";
import { KubernetesError, type ControllerParts, type Kubernetes } from "../../../src/controller/index.ts";
import { InventoryIndex, type ClusterTokens, type OwnedToken } from "../../../src/inventory/index.ts";
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
  const parts: ControllerParts = { kubernetes, watchNamespace: undefined, log: SILENT, lead };
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
  await vi.waitFor(() => expect([...left].sort()).toEqual(["bad-token", "m1-token", "young-token"]));
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
  await vi.waitFor(() => expect(left.size).toBe(0));
  expect(asked).toEqual([]);
});
