/** Whose ClusterRegistrationToken is whose: nobody is handed, marked or deleted another machine's. */
import { describe, expect, it } from "vitest";
import type { MachineInventory, MachineInventoryStatus } from "@rancheros/protocol/resources";
import { KubernetesError } from "../../../src/controller/index.ts";
import { clusterTokenOf, type ClusterTokens, type FoundToken } from "../../../src/inventory/index.ts";
import { ensureClusterToken, keepNamedToken } from "../../../src/inventory/settle-cluster-token.ts";
import { namedToken, tokenName } from "../../../src/inventory/token-bond.ts";

const MANAGED = "c-m-abc";
const NAME = "c-m-abc-m-token";
const where = { namespace: MANAGED, name: NAME };
const named: MachineInventoryStatus = {
  clusterRegistrationTokenNamespace: MANAGED,
  clusterRegistrationTokenName: NAME,
};

function machine(more: Partial<MachineInventory> = {}, uid = "u1"): MachineInventory {
  const metadata = { name: "m", namespace: "team", uid, resourceVersion: "1" };
  return { metadata, spec: { clusterName: "c" }, status: named, ...more };
}

/** Tokens in memory, with the API server's compare-and-swap; clusters: namespace/name to management cluster. */
class StoredTokens implements ClusterTokens {
  readonly stored = new Map<string, FoundToken>();
  readonly clusters = new Map([["team/c", MANAGED]]);
  #count = 0;

  put(name: string, more: Partial<FoundToken> = {}, namespace = MANAGED): void {
    this.#count += 1;
    const made = { uid: `t${this.#count}`, resourceVersion: String(this.#count), ownerUid: undefined };
    this.stored.set(`${namespace}/${name}`, { ...made, ownerName: undefined, value: "secret", ...more });
  }

  async managementCluster(namespace: string, name: string) {
    return this.clusters.get(`${namespace}/${name}`);
  }

  async find({ namespace, name }: typeof where) {
    return this.stored.get(`${namespace}/${name}`);
  }

  async create({ namespace, name }: typeof where, owner: { namespace: string; name: string; uid: string }) {
    this.put(name, { ownerUid: owner.uid, ownerName: `${owner.namespace}/${owner.name}` }, namespace);
  }

  async mark(
    at: typeof where,
    found: FoundToken,
    owner: { readonly namespace: string; readonly name: string; readonly uid: string },
  ) {
    const now = await this.find(at);
    if (now?.resourceVersion !== found.resourceVersion) throw new KubernetesError("KUBERNETES_CONFLICT", "changed");
    this.put(at.name, { ...found, ownerUid: owner.uid, ownerName: `${owner.namespace}/${owner.name}` }, at.namespace);
  }

  async delete({ namespace, name }: typeof where, found: FoundToken) {
    const key = `${namespace}/${name}`;
    if (this.stored.get(key)?.uid === found.uid) this.stored.delete(key);
  }

  async owned() {
    return [];
  }
}

describe("the token that a machine is handed", () => {
  const refused = { code: "CLUSTER_TOKEN_NOT_ASSIGNED" };

  it("is its own, one of before a restore, or one that the original operator made for it", async () => {
    const tokens = new StoredTokens();
    for (const more of [{ ownerUid: "u1" }, { ownerUid: "u0", ownerName: "team/m" }, {}]) {
      tokens.put(NAME, more);
      expect(await clusterTokenOf(machine(), tokens)).toBe("secret");
    }
  });

  it.each<[string, string, Partial<FoundToken>, string]>([
    ["another machine's", NAME, { ownerUid: "u2", ownerName: "team/other" }, MANAGED],
    ["one that says a UID only", NAME, { ownerUid: "u2" }, MANAGED],
    ["the cluster's own, that says nothing", "default-token", {}, MANAGED],
    ["unmarked, in a cluster of another namespace", "c-m-victim-m-token", {}, "c-m-victim"],
  ])("is none where the status names %s", async (_, name, more, namespace) => {
    const tokens = new StoredTokens();
    tokens.put(name, more, namespace);
    const status = { clusterRegistrationTokenNamespace: namespace, clusterRegistrationTokenName: name };
    await expect(clusterTokenOf(machine({ status }), tokens)).rejects.toMatchObject(refused);
    expect(await keepNamedToken(machine({ status }), tokens)).toBe("as-it-is");
    expect([...tokens.stored.values()]).toMatchObject([more]);
  });

  it.each(["..", "a/b", "a?b", "A", "", 7])("is none where the status names %j", async (name) => {
    const status = { clusterRegistrationTokenNamespace: MANAGED, clusterRegistrationTokenName: name };
    expect(namedToken(status)).toBeUndefined();
    expect(namedToken({ clusterRegistrationTokenNamespace: name, clusterRegistrationTokenName: NAME })).toBeUndefined();
  });
});

describe("a machine that was given to another cluster after its token was made", () => {
  it("is not handed the token of the first one, which goes, and gets one of the second", async () => {
    const tokens = new StoredTokens();
    tokens.clusters.set("team/c2", "c-m-two");
    const moved = machine({ spec: { clusterName: "c2" } });
    for (const more of [{ ownerUid: "u1" }, { ownerUid: "u0", ownerName: "team/m" }]) {
      tokens.put(NAME, more);
      await expect(clusterTokenOf(moved, tokens)).rejects.toMatchObject({ code: "CLUSTER_TOKEN_NOT_ASSIGNED" });
      expect(await keepNamedToken(moved, tokens)).toBe("missing");
      expect(tokens.stored.size).toBe(0);
    }
  });

  it("keeps what it has where there is no such cluster yet, and is handed none of it", async () => {
    for (const more of [{ ownerUid: "u1" }, { ownerUid: "u0", ownerName: "team/m" }, {}]) {
      const tokens = new StoredTokens();
      tokens.put(NAME, more);
      const moved = machine({ spec: { clusterName: "not-yet" } });
      await expect(clusterTokenOf(moved, tokens)).rejects.toMatchObject({ code: "CLUSTER_TOKEN_NOT_ASSIGNED" });
      expect(await keepNamedToken(moved, tokens)).not.toBe("missing");
      expect(tokens.stored.size).toBe(1);
    }
  });
});

describe("the token that a status names", () => {
  it("is marked once where it says nothing, or is of before a restore", async () => {
    for (const more of [{}, { ownerUid: "u0", ownerName: "team/m" }]) {
      const tokens = new StoredTokens();
      tokens.put(NAME, more);
      expect(await keepNamedToken(machine(), tokens)).toBe("marked");
      expect(tokens.stored.get(`${MANAGED}/${NAME}`)).toMatchObject({ ownerUid: "u1", ownerName: "team/m" });
      expect(await keepNamedToken(machine(), tokens)).toBe("as-it-is");
    }
  });

  it("is missing where somebody has deleted it, also where the cluster is another one of its name now", async () => {
    const tokens = new StoredTokens();
    expect(await keepNamedToken(machine(), tokens)).toBe("missing");
    tokens.clusters.set("team/c", "c-m-new");
    expect(await keepNamedToken(machine(), tokens)).toBe("missing");
  });

  it("goes where its machine was taken out of the cluster, and only where it says that it is this machine's", async () => {
    for (const spec of [{}, { clusterName: "" }]) {
      const tokens = new StoredTokens();
      tokens.put(NAME, { ownerUid: "u1", ownerName: "team/m" });
      expect(await keepNamedToken(machine({ spec }), tokens)).toBe("missing");
      expect(tokens.stored.size).toBe(0);
      for (const more of [{}, { ownerUid: "u2", ownerName: "team/other" }]) {
        tokens.put(NAME, more);
        expect(await keepNamedToken(machine({ spec }), tokens)).toBe("as-it-is");
        expect(tokens.stored.size).toBe(1);
      }
    }
  });

  it("stays where the machine's cluster is only not to be found now", async () => {
    const tokens = new StoredTokens();
    tokens.put(NAME, { ownerUid: "u1", ownerName: "team/m" });
    tokens.clusters.clear();
    expect(await keepNamedToken(machine(), tokens)).toBe("as-it-is");
    expect(tokens.stored.size).toBe(1);
  });

  it("is missing where it is gone and its machine was taken out of its cluster", async () => {
    const tokens = new StoredTokens();
    for (const spec of [{}, { clusterName: "" }]) {
      expect(await keepNamedToken(machine({ spec }), tokens)).toBe("missing");
    }
  });

  it("is not missed where its machine's cluster is not to be found, and where the machine goes", async () => {
    const tokens = new StoredTokens();
    const going = machine();
    const deleted = { ...going, metadata: { ...going.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } };
    expect(await keepNamedToken(deleted, tokens)).toBe("as-it-is");
    tokens.clusters.clear();
    expect(await keepNamedToken(machine(), tokens)).toBe("as-it-is");
  });
});

describe("the token that is to be there", () => {
  const owner = { namespace: "team", name: "m", uid: "u1" };
  const taken = { code: "CLUSTER_TOKEN_NAME_TAKEN" };

  it("is never taken from another machine whose long name is cut to the same", async () => {
    // The first two of a counted row whose hashes begin with the same five digits.
    const [one, other] = [323, 2747].map((count) => `machine-in-a-rack-of-the-north-eastern-data-centre-${count}`);
    if (one === undefined || other === undefined) throw new Error("no names");
    const at = { namespace: MANAGED, name: tokenName(MANAGED, one) };
    expect(tokenName(MANAGED, other)).toBe(at.name);
    const tokens = new StoredTokens();
    await ensureClusterToken(tokens, at, { ...owner, name: one }, () => false);
    const second = ensureClusterToken(tokens, at, { namespace: "team", name: other, uid: "u2" }, () => true);
    await expect(second).rejects.toMatchObject(taken);
    await expect(second).rejects.toThrow(`team/${one}`);
    expect([...tokens.stored.values()]).toMatchObject([{ ownerUid: "u1", ownerName: `team/${one}` }]);
  });

  it("is not one that says another UID only", async () => {
    const tokens = new StoredTokens();
    tokens.put(NAME, { ownerUid: "u2" });
    await expect(ensureClusterToken(tokens, where, owner, () => false)).rejects.toMatchObject(taken);
    expect(tokens.stored.size).toBe(1);
  });

  it("is not one that says nothing, where another machine's status names it", async () => {
    const tokens = new StoredTokens();
    tokens.put(NAME);
    await expect(ensureClusterToken(tokens, where, owner, () => true)).rejects.toMatchObject(taken);
    expect([...tokens.stored.values()]).toMatchObject([{ ownerUid: undefined }]);
  });

  it("is made, or marked where it says nothing, and then left alone", async () => {
    const tokens = new StoredTokens();
    await ensureClusterToken(tokens, where, owner, () => false);
    expect(tokens.stored.get(`${MANAGED}/${NAME}`)).toMatchObject({ ownerUid: "u1", ownerName: "team/m" });
    tokens.put(NAME);
    await ensureClusterToken(tokens, where, owner, () => false);
    const marked = tokens.stored.get(`${MANAGED}/${NAME}`);
    expect(marked).toMatchObject({ ownerUid: "u1", ownerName: "team/m" });
    await ensureClusterToken(tokens, where, owner, () => false);
    expect(tokens.stored.get(`${MANAGED}/${NAME}`)).toBe(marked);
  });

  it("is not the one of an earlier machine of that name, which goes first", async () => {
    const tokens = new StoredTokens();
    tokens.put(NAME, { ownerUid: "u0", ownerName: "team/m" });
    const ensured = ensureClusterToken(tokens, where, owner, () => false);
    await expect(ensured).rejects.toMatchObject({ code: "CLUSTER_TOKEN_NOT_ASSIGNED" });
    expect(tokens.stored.size).toBe(0);
  });
});
