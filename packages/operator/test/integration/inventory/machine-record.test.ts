/** What the first answer of a machine costs the API server, and what happens where somebody decides in between. */
import { randomBytes } from "node:crypto";
import { expect, inject, it } from "vitest";
import { connectKubernetes, loadKubeConfig, retryTimer, type Kubernetes } from "../../../src/controller/index.ts";
import {
  challengeText,
  createInventoryClaims,
  inventoryEntry,
  InventoryIndex,
  inventoryStore,
  machineRecords,
  type MachineProof,
  type MachineRecords,
} from "../../../src/inventory/index.ts";
import { kubectl } from "../../../../../test/control-plane/kubectl.ts";
import { useNamespace } from "../../../../../test/control-plane/namespace.ts";
import { getObject } from "../../../../../test/operator/objects.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "records");
const real = connectKubernetes(loadKubeConfig(target.kubeconfigPath));

/** The same API server, with a list of what is asked of it. */
function watched(): Kubernetes & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    ...real,
    asked,
    async send(request) {
      asked.push(request.method);
      return real.send(request);
    },
  };
}

function recordsOf(kubernetes: Kubernetes): MachineRecords {
  const silent = () => undefined;
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  const { nowMs, random } = { nowMs: Date.now, random: Math.random };
  return machineRecords(kubernetes, { upgradingCount: () => 0, log, nowMs, random, setTimer: retryTimer });
}

function newMachine(name: string) {
  const ekHash = randomBytes(32).toString("hex");
  const challenge = { issuedAtMs: Date.now(), id: randomBytes(16).toString("hex") };
  const proof: MachineProof = {
    challenge,
    protocol: 2,
    ekHash,
    trust: "none",
    root: undefined,
    certificateSha256: undefined,
    report: undefined,
    isRegistration: true,
  };
  const object = {
    apiVersion: "rancheros.cattle.io/v1",
    kind: "MachineInventory",
    metadata: {
      namespace,
      name,
      labels: { "rancheros.cattle.io/trust": "none" },
      annotations: { "rancheros.cattle.io/protocol": "2", "rancheros.cattle.io/challenge": challengeText(challenge) },
    },
    spec: { tpm: ekHash },
  };
  return { ekHash, proof, object };
}

async function claimed(kubernetes: Kubernetes, { ekHash, object }: ReturnType<typeof newMachine>) {
  const index = new InventoryIndex();
  const store = inventoryStore(kubernetes);
  const claims = createInventoryClaims(index, {
    ...store,
    async create(wanted) {
      const made = await store.create(wanted);
      const entry = inventoryEntry(made);
      // As the watch does.
      if (entry !== undefined) index.put(entry);
      return made;
    },
  });
  return claims.claim(ekHash, () => object);
}

it("makes a machine and says what it proved with two requests", async () => {
  const kubernetes = watched();
  const machine = newMachine("alone");
  const claim = await claimed(kubernetes, machine);
  await recordsOf(kubernetes).prove(claim, machine.proof);
  expect(kubernetes.asked).toEqual(["POST", "PATCH"]);
  const stored = await getObject(target, "minv", namespace, "alone");
  expect(stored?.status).toMatchObject({
    attestation: { class: "none", protocol: 2, challenge: challengeText(machine.proof.challenge) },
    conditions: [{ type: "Attested" }, { type: "Approved", reason: "Approved" }],
  });
});

it("sees what was decided between the two, and says that", async () => {
  const kubernetes = watched();
  const machine = newMachine("denied");
  const claim = await claimed(kubernetes, machine);
  const patch = '--patch={"spec":{"approval":"Denied"}}';
  await kubectl(target, ["patch", "minv/denied", `--namespace=${namespace}`, "--type=merge", patch]);
  const { inventory } = await recordsOf(kubernetes).prove(claim, machine.proof);
  expect(kubernetes.asked).toEqual(["POST", "PATCH", "GET", "PATCH"]);
  expect(inventory.spec.approval).toBe("Denied");
  const stored = await getObject(target, "minv", namespace, "denied");
  expect(stored?.status).toMatchObject({ conditions: [{ type: "Attested" }, { type: "Approved", reason: "Denied" }] });
});

it("takes the challenge of a machine that it has just made once", async () => {
  const machine = newMachine("once");
  const claim = await claimed(real, machine);
  await recordsOf(real).prove(claim, machine.proof);
  const again = recordsOf(real).prove({ entry: claim.entry, made: false }, machine.proof);
  await expect(again).rejects.toMatchObject({ code: "CHALLENGE_USED" });
});

it.each([
  ["another replica", true, ["GET", "PATCH"], false],
  ["this replica", false, [], true],
])(
  "of rancherd's protocol, made just now by %s, stays only where that could take it back",
  async (_, isOfAnother, asked, isGone) => {
    const machine = newMachine(`legacy-${isOfAnother}`);
    const { entry } = await claimed(real, machine);
    const kubernetes = watched();
    const shown = { trust: "none", root: undefined, certificateSha256: undefined } as const;
    await recordsOf(kubernetes).proveCertificate({ entry, made: false, isOfAnother }, shown);
    expect(kubernetes.asked).toEqual(asked);
    expect((await inventoryStore(real).withdraw(entry))?.metadata.uid).toBe(isGone ? undefined : entry.metadata.uid);
    expect((await getObject(target, "minv", namespace, machine.object.metadata.name)) === undefined).toBe(isGone);
  },
);

it("is taken back once, and not in place of another one of its name", async () => {
  const machine = newMachine("twice");
  const { entry } = await claimed(real, machine);
  const store = inventoryStore(real);
  expect([await store.withdraw(entry), await store.withdraw(entry)]).toEqual([undefined, undefined]);
  await claimed(real, machine);
  expect(await store.withdraw(entry)).toBeUndefined();
  expect(await getObject(target, "minv", namespace, "twice")).toBeDefined();
});
