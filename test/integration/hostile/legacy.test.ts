/** Every line of what a server must refuse, tried over the network in rancherd's protocol by a client that means harm. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { useNamespace } from "../../control-plane/namespace.ts";
import { LINES, type Scene } from "../../hostile/attack.ts";
import { LEGACY_ATTACKS } from "../../hostile/attacks.ts";
import { reasonsSince, storedState } from "../../hostile/watcher.ts";
import { answerOf, dial, visit } from "../../machine/visit.ts";
import { eventually, listInventories, makeRegistration, removeInventories } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { createSoftwareTpm, generateAttestationKey } from "../../software-tpm/index.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "hostile");
const folder = mkdtempSync(path.join(tmpdir(), "hostile-"));
const ak = generateAttestationKey("rsa");
let operator: OperatorProcess;
let scene: Scene;

beforeAll(async () => {
  const kubeconfigPath = target.kubeconfigPath;
  operator = await startOperator({ folder, kubeconfigPath, namespace, watchNamespace: namespace });
  const { token } = await makeRegistration(target, namespace, "door");
  scene = { url: `${operator.httpUrl}/v1-rancheros/registration/${token}`, origin: operator.httpUrl, ak };
});

afterAll(async () => {
  await operator.stop();
  rmSync(folder, { recursive: true, force: true });
});

const sorted = LEGACY_ATTACKS.map((attack) => ({ ...attack, because: LINES[attack.line] }));

describe("one field wrong", () => {
  it.each(sorted)("$what: $reason ($because)", async ({ run, reason, told }) => {
    const [before, stored] = [operator.log(), await storedState(target, namespace)];
    const answer = await run(scene);
    expect(answer).toMatchObject({ via: told.via, code: told.code, text: expect.stringMatching(told.text) as string });
    expect(await reasonsSince(operator, before)).toEqual([reason]);
    expect(await storedState(target, namespace)).toEqual(stored);
    expect(await listInventories(target, namespace)).toEqual([]);
  });
});

describe("the same key twice", () => {
  it("ten machines with one endorsement key, at once, are one inventory, and the second is told no secret of it", async () => {
    const tpm = createSoftwareTpm({ ak });
    const outcomes = await Promise.all(Array.from({ length: 10 }, async () => visit({ url: scene.url, tpm })));
    expect(new Set(outcomes.map(({ close }) => close?.code))).toEqual(new Set([1000]));
    expect(await listInventories(target, namespace)).toHaveLength(1);
    await removeInventories(target, namespace);
  });

  it("a machine that a person has written down is claimed by its own key only", async () => {
    const [owner, other] = [createSoftwareTpm({ ak }), createSoftwareTpm({ ak })];
    const stored = async () => (await listInventories(target, namespace)).map(({ metadata }) => metadata.uid);
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
    await removeInventories(target, namespace);
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
      const all = await listInventories(target, namespace);
      return all.length > 0 ? all : undefined;
    }, "the inventory");
    expect(made?.metadata.name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
    expect(made?.spec["clusterName"]).toBeUndefined();
    expect(made?.spec["config"]).toBeUndefined();
    expect(made?.metadata.labels?.["rancheros.cattle.io/trust"]).not.toBe("hardware");
    await removeInventories(target, namespace);
  });
});
