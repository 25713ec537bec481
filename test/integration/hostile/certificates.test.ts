/** Certificates of endorsement keys at demanding doors, tried over the network in both protocols. */
import { createHash, randomBytes } from "node:crypto";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { CERTIFICATE_ATTACKS } from "../../hostile/certificate-attacks.ts";
import { certificateFor, endorsedTpm, openDoors, through, type Door, type DoorScene } from "../../hostile/doors.ts";
import { dialAndListen } from "../../hostile/say.ts";
import { TAKEN_BACK_ATTACKS } from "../../hostile/taken-back-attacks.ts";
import { untilStill } from "../../hostile/watcher.ts";
import { channelAt, visitAttested } from "../../machine/attested-visit.ts";
import { getObject, listInventories, type AnyObject } from "../../operator/objects.ts";
import { useOperator } from "../../operator/use-operator.ts";
import {
  createAuthority,
  createRevocationList,
  generateRsaEndorsementKey,
  listPemOf,
  softwareTpm,
  type SoftwareTpm,
} from "../../software-tpm/index.ts";
import { ATTACKED, tryAttacks } from "./try-attacks.ts";

const target = inject("controlPlane");
const used = useOperator(target, "certificates", { flags: ATTACKED });
let scene: DoorScene;

beforeAll(async () => {
  const { namespace, operator } = used;
  const channel = await channelAt(operator.httpsUrl);
  scene = await openDoors({ target, namespace, origin: operator.httpUrl, channel });
  await untilStill(target, namespace);
});

async function inventoryOf(tpm: SoftwareTpm): Promise<AnyObject | undefined> {
  return (await listInventories(target, used.namespace)).find(({ spec }) => spec["tpm"] === tpm.ekHash);
}

describe("a certificate that does not do", () => {
  tryAttacks(target, used, CERTIFICATE_ATTACKS, () => scene);
});

describe("what was taken back", () => {
  tryAttacks(target, used, TAKEN_BACK_ATTACKS, () => scene);

  it("keeps out a machine that is known, on its next visit; and what is wrong with a list stands at the door", async () => {
    const maker = createAuthority("Example maker");
    const ek = generateRsaEndorsementKey(2048, randomBytes);
    const tpm = softwareTpm(ek, scene.ak, certificateFor(ek.spkiDer, maker));
    const anchors = (data: Readonly<Record<string, string>>) =>
      applyObjects(target, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "changing", namespace: used.namespace },
        data: { "hardware.pem": maker.pem, ...data },
      });
    await anchors({});
    const trustAnchors = { configMapName: "changing" };
    const { token } = await used.makeDoor("changing", { attestation: { class: "hardware", trustAnchors } });
    const registering = { ...through(scene, "open", tpm), purpose: { kind: "registration", token } } as const;
    expect((await visitAttested(registering)).trust).toBe("hardware");

    const list = createRevocationList(maker, {
      serialNumbers: [Buffer.from("12345678", "hex")],
      nextUpdate: new Date("2026-01-02T00:00:00Z"),
    });
    await anchors({ "maker.crl": listPemOf(list), "other.crl": listPemOf(createRevocationList(scene.hypervisor)) });
    const goingOn = { ...registering, purpose: { kind: "session" } } as const;
    for (const visit of [goingOn, registering]) {
      const refused = (): Promise<unknown> => visitAttested(visit).catch((error: unknown) => String(error));
      await expect
        .poll(refused, { timeout: 45_000, interval: 1000 })
        .toEqual(expect.stringContaining("EK_CERTIFICATE_REVOKED"));
    }
    // What rancherd asks as a member of its cluster.
    const asked = { url: `${scene.origin}/v1-rancheros/inventory`, headers: { Authorization: tpm.authorization() } };
    const told = await dialAndListen(asked);
    expect([told.code, told.text]).toEqual([401, expect.stringMatching(/revocation list/)]);
    const found = async (): Promise<unknown> => {
      const { status } = (await getObject(target, "mreg", used.namespace, "changing")) ?? {};
      const conditions = (status?.["conditions"] ?? []) as readonly Readonly<Record<string, unknown>>[];
      return conditions.find(({ type }) => type === "TrustAnchors");
    };
    for (const message of [
      "other.crl, list 1: is of an issuer that is not among the trust anchors",
      "maker.crl, list 1: is out of date since 2026-01-02, and is used on",
    ]) {
      const told = { status: "False", message: expect.stringContaining(message) as string };
      await expect.poll(found, { timeout: 45_000, interval: 500 }).toMatchObject(told);
    }
  });
});

describe("a certificate that does", () => {
  const past = { notBefore: new Date("2015-01-01T00:00:00Z"), notAfter: new Date("2020-01-01T00:00:00Z") };

  it.each<[string, Door, (open: DoorScene) => SoftwareTpm]>([
    ["has expired, where nobody minds", "virtual", (open) => endorsedTpm(open, open.hypervisor, past)],
    ["is of a root that has expired since", "virtual", (open) => endorsedTpm(open, open.pastHypervisor, past)],
    ["is good, at the strictest door", "strict", (open) => endorsedTpm(open, open.hypervisor)],
  ])("%s", async (_what, door, tpmOf) => {
    const tpm = tpmOf(scene);
    expect((await visitAttested(through(scene, door, tpm))).trust).toBe("virtual");
    expect((await inventoryOf(tpm))?.metadata.labels?.["rancheros.cattle.io/trust"]).toBe("virtual");
  });

  it("was renewed: the machine stays who it is, and its inventory shows the new one", async () => {
    const ek = generateRsaEndorsementKey(2048, randomBytes);
    const [old, renewed] = [past, {}].map((parts) => certificateFor(ek.spkiDer, scene.hypervisor, parts));
    const shown = async (tpm: SoftwareTpm) => (await inventoryOf(tpm))?.status?.["attestation"];
    const hashOf = (der: Buffer | undefined) =>
      createHash("sha256")
        .update(der ?? "")
        .digest("hex");

    const before = softwareTpm(ek, scene.ak, old);
    const first = await visitAttested(through(scene, "virtual", before));
    expect(await shown(before)).toMatchObject({ class: "virtual", certificateSha256: hashOf(old) });
    const again = await visitAttested(through(scene, "strict", softwareTpm(ek, scene.ak, renewed)));
    expect(again.machine).toEqual(first.machine);
    expect(await shown(before)).toMatchObject({ class: "virtual", certificateSha256: hashOf(renewed) });
  });
});
