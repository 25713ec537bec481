/** Every line of what a server must refuse, tried over the network in rancherd's protocol by a client that means harm. */
import { beforeAll, describe, expect, inject, it } from "vitest";
import type { Scene } from "../../hostile/attack.ts";
import { LEGACY_ATTACKS } from "../../hostile/attacks.ts";
import { answerOf, dial, visit } from "../../machine/visit.ts";
import { eventually, listInventories, removeInventories } from "../../operator/objects.ts";
import { useOperator } from "../../operator/use-operator.ts";
import { createSoftwareTpm, generateAttestationKey } from "../../software-tpm/index.ts";
import { ATTACKED, tryAttacks } from "./try-attacks.ts";

const target = inject("controlPlane");
const used = useOperator(target, "hostile", { flags: ATTACKED });
const ak = generateAttestationKey("rsa");
let scene: Scene;

beforeAll(async () => {
  const { token } = await used.makeDoor("door");
  scene = { url: used.legacyUrl(token), origin: used.operator.httpUrl, ak };
});

describe("one field wrong", () => {
  tryAttacks(target, used, LEGACY_ATTACKS, () => scene);

  it("has made no machine in all that", async () => {
    expect(await listInventories(target, used.namespace)).toEqual([]);
  });
});

describe("the same key twice", () => {
  it("ten machines with one endorsement key, at once, are one inventory, and the second is told no secret of it", async () => {
    const tpm = createSoftwareTpm({ ak });
    const outcomes = await Promise.all(Array.from({ length: 10 }, async () => visit({ url: scene.url, tpm })));
    expect(new Set(outcomes.map(({ close }) => close?.code))).toEqual(new Set([1000]));
    expect(await listInventories(target, used.namespace)).toHaveLength(1);
    await removeInventories(target, used.namespace);
  });

  it("a machine that a person has written down is claimed by its own key only", async () => {
    const [owner, other] = [createSoftwareTpm({ ak }), createSoftwareTpm({ ak })];
    const stored = async () => (await listInventories(target, used.namespace)).map(({ metadata }) => metadata.uid);
    await visit({ url: scene.url, tpm: owner });
    const [uid] = await stored();
    // It shows the other's key, and cannot answer for it.
    const session = await dial({ url: scene.url, tpm: owner });
    if (session.kind === "refused") throw new Error(session.body);
    const challenge = await session.next();
    if (!Buffer.isBuffer(challenge)) throw new Error(challenge.reason);
    expect(() => answerOf(other, challenge)).toThrow();
    session.socket.terminate();
    expect(await stored()).toEqual([uid]);
    await removeInventories(target, used.namespace);
  });
});

describe("what a machine may not say of itself", () => {
  it("SMBIOS changes no label, role, cluster or address, and its names become DNS labels", async () => {
    const smbios = {
      "System Information": { Manufacturer: "../../etc", "Product Name": "Ünïx\u0000", "Serial Number": "A_b.C" },
      spec: { clusterName: "theirs", config: { role: "server" } },
      metadata: { labels: { "rancheros.cattle.io/trust": "hardware" } },
    };
    const tpm = createSoftwareTpm({ ak });
    expect((await visit({ url: scene.url, tpm, smbios })).close?.code).toBe(1000);
    const [made] = await eventually(async () => {
      const all = await listInventories(target, used.namespace);
      return all.length > 0 ? all : undefined;
    }, "the inventory");
    expect(made?.metadata.name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
    expect(made?.spec["clusterName"]).toBeUndefined();
    expect(made?.spec["config"]).toBeUndefined();
    expect(made?.metadata.labels?.["rancheros.cattle.io/trust"]).not.toBe("hardware");
    await removeInventories(target, used.namespace);
  });
});
