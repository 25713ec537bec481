/** A copy of a MachineInventory without its status, as backups hold it: its machine is bound to what it was bound to. */
import { describe, expect, it } from "vitest";
import type { MachineInventory } from "@rancheros/protocol/resources";
import { dueStatus } from "../../../src/inventory/due-status.ts";
import { certificateChange, type ShownCertificate } from "../../../src/inventory/ek-certificate.ts";
import { machineScene } from "./machine-scene.ts";

const [OLD, NEW, NEWER] = ["ab".repeat(32), "cd".repeat(32), "12".repeat(32)];
const ROOT = "CN=Example root";
const ACCEPT = "rancheros.cattle.io/accept-ek-certificate";
const OF_NOTHING: ShownCertificate = { trust: "none", root: undefined, certificateSha256: undefined };
const first: ShownCertificate = { trust: "hardware", root: ROOT, certificateSha256: OLD };
const renewed: ShownCertificate = { ...first, certificateSha256: NEW };

type Scene = ReturnType<typeof machineScene>;

const challenge = (turn: number) => ({ issuedAtMs: 1e13 + turn, id: "0".repeat(32) });

async function provedBy(shown: ShownCertificate, accepted?: string): Promise<Scene> {
  const scene = machineScene(undefined, {}, accepted === undefined ? {} : { annotations: { [ACCEPT]: accepted } });
  await scene.prove({ ...shown, challenge: challenge(0) });
  return scene;
}

/** @returns the copies: as it comes back, and with the status that is due then */
function restored(scene: Scene): readonly MachineInventory[] {
  const { labels, annotations } = scene.metadata() as MachineInventory["metadata"];
  const metadata = { name: "m1", namespace: "fleet-default", uid: "u2", resourceVersion: "2" };
  const copy: MachineInventory = {
    metadata: { ...metadata, ...(labels && { labels }), ...(annotations && { annotations }) },
    spec: { tpm: "ab".repeat(32) },
  };
  return [copy, { ...copy, status: { ...dueStatus(copy, 0) } }];
}

function changes(scene: Scene, shown: ShownCertificate): readonly string[] {
  return restored(scene).map((copy) => certificateChange(copy, shown));
}

describe("after a restore a machine of the attestation protocol", () => {
  it("may show its renewed certificate, and the next one of that root", async () => {
    const scene = await provedBy(first);
    await scene.prove({ ...renewed, challenge: challenge(1) });
    expect(changes(scene, renewed)).toEqual(["kept", "kept"]);
    expect(changes(scene, { ...renewed, certificateSha256: NEWER })).toEqual(["renewed", "renewed"]);
    expect(changes(scene, { ...renewed, certificateSha256: NEWER, root: "CN=Another" })).toEqual([
      "changed",
      "changed",
    ]);
  });

  it("may show the certificate that an administrator accepted, and costs one write of metadata for it", async () => {
    const scene = machineScene(undefined, {}, { annotations: { [ACCEPT]: NEW } });
    await scene.prove({ ...first, challenge: challenge(0) });
    const other: ShownCertificate = { trust: "virtual", root: "CN=Another", certificateSha256: NEW };
    const { writes } = scene.counts();
    await scene.prove({ ...other, challenge: challenge(1) });
    expect(scene.counts().writes).toBe(writes + 2);
    expect(scene.metadata()).not.toHaveProperty(["annotations", ACCEPT]);
    expect(changes(scene, other)).toEqual(["kept", "kept"]);
    expect(changes(scene, first)).toEqual(["changed", "changed"]);
  });

  it("is bound to a certificate that it showed after it was made", async () => {
    const scene = await provedBy(OF_NOTHING);
    await scene.prove({ ...first, challenge: challenge(1) });
    expect(changes(scene, first)).toEqual(["kept", "kept"]);
    expect(changes(scene, OF_NOTHING)).toEqual(["changed", "changed"]);
  });

  it("is bound to none where an administrator accepted that", async () => {
    const scene = machineScene(undefined, {}, { annotations: { [ACCEPT]: "none" } });
    await scene.prove({ ...first, challenge: challenge(0) });
    await scene.prove({ ...OF_NOTHING, challenge: challenge(1) });
    expect(scene.metadata()).not.toHaveProperty(["annotations", "rancheros.cattle.io/ek-certificate"]);
    expect(changes(scene, OF_NOTHING)).toEqual(["kept", "kept"]);
  });

  it("costs nothing more where it shows what is recorded", async () => {
    const scene = await provedBy(first);
    const { writes } = scene.counts();
    await scene.prove({ ...first, isRegistration: true, challenge: challenge(1) });
    expect(scene.counts().writes).toBe(writes + 1);
  });
});

describe("after a restore a machine of rancherd's protocol", () => {
  const made = {
    labels: { "rancheros.cattle.io/trust": "hardware" },
    annotations: {
      "rancheros.cattle.io/protocol": "1",
      "rancheros.cattle.io/ek-certificate": OLD,
      "rancheros.cattle.io/ek-certificate-root": ROOT,
    },
  };

  it("may show its renewed certificate, which it may show before its status says anything", async () => {
    const scene = machineScene(undefined, {}, made);
    await scene.shows(NEW, ROOT);
    expect(changes(scene, renewed)).toEqual(["kept", "kept"]);
    expect(changes(scene, first)).toEqual(["renewed", "renewed"]);
  });

  it.each([
    ["a renewed one", { class: "hardware", root: ROOT, certificateSha256: NEW }, NEW, ROOT, renewed],
    [
      "one of another root",
      { class: "hardware", certificateSha256: NEW },
      NEW,
      "CN=Another",
      { ...renewed, root: "?" },
    ],
    ["none", { class: "none" }, undefined, undefined, OF_NOTHING],
  ])("may show what is recorded also where its annotations could not be written then: %s", async (...given) => {
    const [, attestation, sha, root, shown] = given;
    const annotations = { ...made.annotations, [ACCEPT]: sha ?? "none" };
    const scene = machineScene({ attestation }, {}, { ...made, annotations });
    expect(changes(scene, shown)).not.toEqual(["kept", "kept"]);
    await scene.shows(sha, root);
    expect(changes(scene, shown)).toEqual(["kept", "kept"]);
    expect(scene.metadata()).toMatchObject({ labels: { "rancheros.cattle.io/trust": attestation.class } });
    expect(scene.metadata()).not.toHaveProperty(["annotations", ACCEPT]);
    const { writes } = scene.counts();
    await scene.shows(sha, root);
    expect(scene.counts().writes).toBe(writes);
  });

  it("may show a renewed one where an older operator noted its certificate only", async () => {
    const { "rancheros.cattle.io/ek-certificate-root": _, ...older } = made.annotations;
    const known = { class: "hardware", protocol: 1, root: ROOT, certificateSha256: OLD };
    const scene = machineScene({ attestation: known }, {}, { ...made, annotations: older });
    expect(changes(scene, renewed)).toEqual(["changed", "changed"]);
    await scene.shows(OLD, ROOT);
    expect(changes(scene, renewed)).toEqual(["renewed", "renewed"]);
    expect(scene.counts().writes).toBe(1);
    await scene.shows(OLD, ROOT);
    expect(scene.counts().writes).toBe(1);
  });

  it.each([
    ["its status neither", { attestation: { class: "hardware", protocol: 1, certificateSha256: OLD } }, 2],
    ["no status is there yet", undefined, 1],
  ])("is known by its root from the next visit on where an older operator wrote none: %s", async (...given) => {
    const [, status, costs] = given;
    const { "rancheros.cattle.io/ek-certificate-root": _, ...older } = made.annotations;
    const scene = machineScene(status, {}, { ...made, annotations: older });
    await scene.shows(OLD, ROOT);
    expect(changes(scene, renewed)).toEqual(["renewed", "renewed"]);
    expect(changes(scene, { ...renewed, root: "CN=Another" })).toEqual(["changed", "changed"]);
    if (status !== undefined)
      expect(scene.status()).toMatchObject({ attestation: { ...status.attestation, root: ROOT } });
    expect(scene.counts().writes).toBe(costs);
    const { reads } = scene.counts();
    await scene.shows(OLD, ROOT);
    expect(scene.counts()).toEqual({ reads, writes: costs });
  });

  it("loses no root where it is noted beside a status that has none", async () => {
    const scene = machineScene({ attestation: { class: "hardware", certificateSha256: OLD } }, {}, made);
    await scene.shows(OLD, undefined);
    expect(scene.metadata()).toMatchObject({ annotations: made.annotations });
    expect(scene.counts()).toEqual({ reads: 0, writes: 0 });
    await scene.shows(OLD, ROOT);
    expect(changes(scene, renewed)).toEqual(["renewed", "renewed"]);
    expect(scene.status()).toMatchObject({ attestation: { root: ROOT } });
  });

  it("may show the certificate that an administrator accepted", async () => {
    const scene = machineScene(undefined, {}, { ...made, annotations: { ...made.annotations, [ACCEPT]: NEW } });
    await scene.shows(NEW, "CN=Another");
    expect(scene.metadata()).not.toHaveProperty(["annotations", ACCEPT]);
    expect(changes(scene, { ...renewed, root: "CN=Another" })).toEqual(["kept", "kept"]);
  });
});
