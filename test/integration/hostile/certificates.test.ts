/** Certificates of endorsement keys at demanding doors, tried over the network in both protocols. */
import { createHash, randomBytes } from "node:crypto";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { CERTIFICATE_ATTACKS } from "../../hostile/certificate-attacks.ts";
import { certificateFor, endorsedTpm, openDoors, through, type Door, type DoorScene } from "../../hostile/doors.ts";
import { untilStill } from "../../hostile/watcher.ts";
import { channelAt, visitAttested } from "../../machine/attested-visit.ts";
import { listInventories, type AnyObject } from "../../operator/objects.ts";
import { useOperator } from "../../operator/use-operator.ts";
import { generateRsaEndorsementKey, softwareTpm, type SoftwareTpm } from "../../software-tpm/index.ts";
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
