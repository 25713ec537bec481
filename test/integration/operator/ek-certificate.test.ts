/** A known machine that shows another certificate: who may do that by himself, and who waits for an administrator. */
import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { kubectl } from "../../control-plane/kubectl.ts";
import { certificateFor } from "../../hostile/doors.ts";
import { channelAt, refusalOf, visitAttested } from "../../machine/attested-visit.ts";
import { attestedVisits } from "../../machine/attested-visits.ts";
import { visit } from "../../machine/visit.ts";
import { eventually, getObject, listInventories, listObjects, type AnyObject } from "../../operator/objects.ts";
import { useOperator } from "../../operator/use-operator.ts";
import {
  createAuthority,
  generateAttestationKey,
  generateRsaEndorsementKey,
  softwareTpm,
  type SoftwareTpm,
} from "../../software-tpm/index.ts";

const target = inject("controlPlane");
const used = useOperator(target, "certificates", { replicas: 2, flags: ["--status-delay=1"] });
const ak = generateAttestationKey("rsa");
const maker = createAuthority("Example maker");
const hypervisor = createAuthority("Example hypervisor");
const stranger = createAuthority("Example stranger");
let channel: Buffer;
let token: string;
let turn = 0;

/** The same chip, with whatever certificates one gives it. */
function newChip() {
  const ek = generateRsaEndorsementKey(2048, randomBytes);
  let serial = 1;
  return {
    hash: softwareTpm(ek, ak).ekHash,
    with(authority: typeof maker): SoftwareTpm {
      serial += 1;
      const serialNumber = Buffer.from([serial]);
      return softwareTpm(ek, ak, certificateFor(ek.spkiDer, authority, { serialNumber }));
    },
    without: (): SoftwareTpm => softwareTpm(ek, ak),
  };
}

const next = (): string => used.replicas[(turn += 1) % 2]?.httpUrl ?? "";
const { registering, goingOn } = attestedVisits(() => ({ next, channel, token }));

async function inventoryOf(ekHash: string): Promise<AnyObject> {
  const [found] = (await listInventories(target, used.namespace)).filter(({ spec }) => spec["tpm"] === ekHash);
  if (found === undefined) throw new Error("no inventory");
  return found;
}

function conditionOf({ status }: AnyObject, type: string): Readonly<Record<string, unknown>> | undefined {
  const conditions = (status?.["conditions"] ?? []) as readonly Readonly<Record<string, unknown>>[];
  return conditions.find((one) => one["type"] === type);
}

/** Takes the machine away and brings back what a backup has of it: no status, and another uid. */
async function restore({ metadata, spec }: AnyObject): Promise<void> {
  const { name, labels, annotations } = metadata;
  const { namespace } = used;
  await kubectl(target, ["delete", "minv", name, `--namespace=${namespace}`]);
  const names = { apiVersion: "rancheros.cattle.io/v1", kind: "MachineInventory" };
  await applyObjects(target, { ...names, metadata: { name, namespace, labels, annotations }, spec });
  await eventually(
    async () => (conditionOf(await inventoryOf(String(spec["tpm"])), "Attested") === undefined ? undefined : true),
    "the status",
  );
}

/** Does what the condition says. */
async function accept(inventory: AnyObject): Promise<void> {
  const command = /kubectl (.+)$/.exec(String(conditionOf(inventory, "CertificateChanged")?.["message"]))?.[1];
  await kubectl(target, (command ?? "").split(" "));
}

beforeAll(async () => {
  const metadata = { name: "roots", namespace: used.namespace };
  const data = { "hardware.pem": maker.pem, "virtual.pem": hypervisor.pem };
  await applyObjects(target, { apiVersion: "v1", kind: "ConfigMap", metadata, data });
  ({ token } = await used.makeDoor("any", { attestation: { trustAnchors: { configMapName: "roots" } } }));
  channel = await channelAt(used.operator.httpsUrl);
});

describe("a machine of the attestation protocol", () => {
  it("is judged by its registration's anchors also when it only goes on", async () => {
    const chip = newChip();
    const tpm = chip.with(maker);
    expect((await visitAttested(registering(tpm))).trust).toBe("hardware");
    expect((await visitAttested(goingOn(tpm))).trust).toBe("hardware");
    expect((await inventoryOf(chip.hash)).metadata.labels?.["rancheros.cattle.io/trust"]).toBe("hardware");
  });

  it("may show a first certificate, and a renewed one of the same root", async () => {
    const chip = newChip();
    expect((await visitAttested(registering(chip.without()))).trust).toBe("none");
    expect((await visitAttested(goingOn(chip.with(stranger)))).trust).toBe("none");
    expect((await visitAttested(goingOn(chip.with(hypervisor)))).trust).toBe("virtual");
    const before = await inventoryOf(chip.hash);
    expect((await visitAttested(goingOn(chip.with(hypervisor)))).trust).toBe("virtual");
    const after = await inventoryOf(chip.hash);
    const hashOf = (one: AnyObject): unknown => Reflect.get(one.status?.["attestation"] ?? {}, "certificateSha256");
    expect(hashOf(after)).not.toEqual(hashOf(before));
    expect(conditionOf(after, "CertificateChanged")).toBeUndefined();
  });

  it.each([
    ["none in place of its own", (chip: ReturnType<typeof newChip>) => chip.without(), "none"],
    ["one that nobody trusts", (chip: ReturnType<typeof newChip>) => chip.with(stranger), "none"],
    ["one of another class", (chip: ReturnType<typeof newChip>) => chip.with(hypervisor), "virtual"],
  ] as const)(
    "that shows %s waits, keeps what it proved, and goes on by itself once it is accepted",
    async (_what, shown, trust) => {
      const chip = newChip();
      await visitAttested(registering(chip.with(maker)));
      const proved = await inventoryOf(chip.hash);
      const other = shown(chip);
      expect(await refusalOf(visitAttested(registering(other)))).toBe("403 EK_CERTIFICATE_CHANGED");
      expect(await refusalOf(visitAttested(goingOn(other)))).toBe("403 EK_CERTIFICATE_CHANGED");
      const waiting = await inventoryOf(chip.hash);
      expect(waiting.metadata.labels).toEqual(proved.metadata.labels);
      const { challenge: _used, ...kept } = { ...(waiting.status?.["attestation"] as object), challenge: "" };
      expect(proved.status?.["attestation"]).toMatchObject(kept);
      expect(conditionOf(waiting, "CertificateChanged")).toMatchObject({ status: "True", reason: "NotAccepted" });
      const event = await eventually(async () => {
        const list = (await listObjects(target, "events.events.k8s.io", used.namespace)) as unknown as readonly {
          readonly reason: string;
          readonly type: string;
          readonly regarding: { uid: string };
        }[];
        return list.find(
          (one) => one.reason === "EK_CERTIFICATE_CHANGED" && one.regarding.uid === waiting.metadata.uid,
        );
      }, "the Event");
      expect(event.type).toBe("Warning");

      await accept(waiting);
      expect((await visitAttested(goingOn(other))).trust).toBe(trust);
      const accepted = await inventoryOf(chip.hash);
      expect(accepted.metadata.labels?.["rancheros.cattle.io/trust"]).toBe(trust);
      expect(accepted.metadata.annotations).not.toHaveProperty("rancheros.cattle.io/accept-ek-certificate");
      expect(conditionOf(accepted, "CertificateChanged")).toMatchObject({ status: "False", reason: "Recorded" });
    },
  );

  it("is bound after a restore to the certificate that was recorded last, and may renew that", async () => {
    const chip = newChip();
    expect((await visitAttested(registering(chip.without()))).trust).toBe("none");
    expect((await visitAttested(goingOn(chip.with(maker)))).trust).toBe("hardware");
    const renewed = chip.with(maker);
    expect((await visitAttested(goingOn(renewed))).trust).toBe("hardware");
    await restore(await inventoryOf(chip.hash));
    expect(await refusalOf(visitAttested(goingOn(chip.without())))).toBe("403 EK_CERTIFICATE_CHANGED");
    expect((await visitAttested(goingOn(renewed))).trust).toBe("hardware");
    await restore(await inventoryOf(chip.hash));
    expect((await visitAttested(goingOn(chip.with(maker)))).trust).toBe("hardware");
  });

  it("cannot accept it itself", async () => {
    const chip = newChip();
    const { token: generous } = await used.makeDoor("generous", {
      attestation: { trustAnchors: { configMapName: "roots" } },
      acceptedAnnotations: ["rancheros.cattle.io/*", "rancheros.cattle.io/accept-ek-certificate"],
    });
    const report = {
      smbios: undefined,
      hardware: undefined,
      labels: {},
      annotations: { "rancheros.cattle.io/accept-ek-certificate": "none" },
      addresses: [],
      os: undefined,
      agentVersion: undefined,
      node: undefined,
    };
    const purpose = { kind: "registration", token: generous } as const;
    await visitAttested({ ...registering(chip.with(maker)), purpose, report });
    expect(await refusalOf(visitAttested({ ...registering(chip.without()), purpose, report }))).toBe(
      "403 EK_CERTIFICATE_CHANGED",
    );
  });
});

describe("a machine of rancherd's protocol", () => {
  it("comes in with a certificate whose serial number begins with zeros, and is known by what that proves", async () => {
    const ek = generateRsaEndorsementKey(2048, randomBytes);
    const tpm = softwareTpm(ek, ak, certificateFor(ek.spkiDer, maker, { serialNumber: Buffer.from("000007", "hex") }));
    expect((await visit({ url: used.legacyUrl(token), tpm })).close?.code).toBe(1000);
    expect((await inventoryOf(tpm.ekHash)).metadata.labels?.["rancheros.cattle.io/trust"]).toBe("hardware");
  });

  it("is bound to the certificate that it was made with", async () => {
    const chip = newChip();
    const url = used.legacyUrl(token);
    const tpm = chip.with(maker);
    expect((await visit({ url, tpm })).close?.code).toBe(1000);
    await eventually(
      async () => (conditionOf(await inventoryOf(chip.hash), "Attested") === undefined ? undefined : true),
      "the status",
    );
    expect((await visit({ url, tpm })).close?.code).toBe(1000);
    const refused = await visit({ url, tpm: chip.without() });
    expect(refused.payload).toBeUndefined();
    expect(refused.close?.code).toBe(1013);
    expect(refused.close?.reason).toContain("no endorsement key certificate in place of the recorded one");
    const waiting = await inventoryOf(chip.hash);
    expect(conditionOf(waiting, "CertificateChanged")).toMatchObject({ status: "True" });
    expect(conditionOf(waiting, "Attested")).toMatchObject({ status: "True", reason: "Hardware" });
    await accept(waiting);
    expect((await visit({ url, tpm: chip.without() })).close?.code).toBe(1000);
    const accepted = await inventoryOf(chip.hash);
    expect(accepted.status?.["attestation"]).toMatchObject({ class: "none" });
    expect(accepted.metadata.labels?.["rancheros.cattle.io/trust"]).toBe("none");
  });
});

it("a registration that wants a proof is not ready before there is a root that could give it, and then lets machines in", async () => {
  const trustAnchors = { configMapName: "to-come" };
  const { token: demanding } = await used.makeDoor("demanding", { attestation: { class: "hardware", trustAnchors } });
  const ready = async (status: string) =>
    eventually(
      async () => {
        const door = await getObject(target, "mreg", used.namespace, "demanding");
        const found = door && conditionOf(door, "Ready");
        return found?.["status"] === status ? found : undefined;
      },
      `Ready=${status}`,
      60_000,
    );
  const purpose = { kind: "registration", token: demanding } as const;
  const come = () => visitAttested({ ...registering(newChip().with(maker)), purpose });
  expect(await ready("False")).toMatchObject({ reason: "TrustAnchorsMissing" });
  expect(await refusalOf(come())).toBe("403 TRUST_CLASS_NOT_PROVED");
  const metadata = { name: "to-come", namespace: used.namespace };
  await applyObjects(target, { apiVersion: "v1", kind: "ConfigMap", metadata, data: { "hardware.pem": maker.pem } });
  await ready("True");
  // The other replica may know the anchors of before for half a minute.
  const trust = await eventually(async () => (await come().catch(() => undefined))?.trust, "a machine let in", 60_000);
  expect(trust).toBe("hardware");
});
