import { describe, expect, it } from "vitest";
import type { MachineInventory } from "@rancheros/protocol/resources";
import {
  certificateChange,
  changedSentence,
  recordedCertificate,
  type ShownCertificate,
} from "../../../src/inventory/ek-certificate.ts";
import { machineScene } from "./machine-scene.ts";

const [OLD, NEW] = ["ab".repeat(32), "cd".repeat(32)];
const ROOT = "CN=Example root";

function inventory(attestation: object | undefined, annotations: Record<string, string> = {}): MachineInventory {
  return {
    metadata: { name: "m", namespace: "n", uid: "u", resourceVersion: "1", annotations },
    spec: {},
    ...(attestation === undefined ? {} : { status: { attestation } }),
  };
}

const hardware: ShownCertificate = { trust: "hardware", root: ROOT, certificateSha256: NEW };
const recorded = { class: "hardware", root: ROOT, certificateSha256: OLD };
const nothing: ShownCertificate = { trust: "none", root: undefined, certificateSha256: undefined };

describe("certificateChange", () => {
  it.each([
    ["the recorded one", recorded, { ...hardware, certificateSha256: OLD }, "kept"],
    ["the recorded one, whose root is trusted no more", recorded, { ...nothing, certificateSha256: OLD }, "kept"],
    ["a first one", { class: "none" }, hardware, "kept"],
    ["one in place of one that proved nothing", { class: "none", certificateSha256: OLD }, hardware, "kept"],
    ["none, as ever", { class: "none" }, nothing, "kept"],
    ["another one of the same root", recorded, hardware, "renewed"],
    ["another one of another root", recorded, { ...hardware, root: "CN=Another" }, "changed"],
    [
      "another one of a root of another class and the same name",
      recorded,
      { ...hardware, trust: "virtual" },
      "changed",
    ],
    ["another one where the root is not recorded", { ...recorded, root: undefined }, hardware, "changed"],
    ["another one that proves nothing", recorded, { ...nothing, certificateSha256: NEW }, "changed"],
    ["none in place of one", recorded, nothing, "changed"],
    [
      "the one beside a class that is not known",
      { ...recorded, class: undefined },
      { ...hardware, certificateSha256: OLD },
      "kept",
    ],
    ["another one of the same root there", { ...recorded, class: undefined }, hardware, "changed"],
    ["none there", { ...recorded, class: undefined }, nothing, "changed"],
  ] as const)("%s: %#", (_what, attestation, shown, change) => {
    expect(certificateChange(inventory(attestation), shown)).toBe(change);
  });

  it("is accepted for the one certificate that the administrator names, or for none", () => {
    const key = "rancheros.cattle.io/accept-ek-certificate";
    const other = { ...hardware, root: "CN=Another" };
    expect(certificateChange(inventory(recorded, { [key]: NEW }), other)).toBe("accepted");
    expect(certificateChange(inventory(recorded, { [key]: NEW }), nothing)).toBe("changed");
    expect(certificateChange(inventory(recorded, { [key]: "none" }), nothing)).toBe("accepted");
    expect(certificateChange(inventory(recorded, { [key]: "none" }), other)).toBe("changed");
    expect(certificateChange(inventory(recorded, { [key]: "" }), nothing)).toBe("changed");
  });

  it("names the command, of the certificate that was shown", () => {
    expect(changedSentence(inventory(recorded), hardware)).toContain(
      `kubectl -n n annotate --overwrite minv m rancheros.cattle.io/accept-ek-certificate=${NEW}`,
    );
    expect(changedSentence(inventory(recorded), nothing)).toMatch(/accept-ek-certificate=none$/);
  });
});

describe("recordedCertificate", () => {
  it("is what the machine was made with, until its status says so", () => {
    const annotations = { "rancheros.cattle.io/ek-certificate": OLD };
    const made = inventory(undefined, annotations);
    const labelled = (trust: string): MachineInventory => ({
      ...made,
      metadata: { ...made.metadata, labels: { "rancheros.cattle.io/trust": trust } },
    });
    expect(recordedCertificate(labelled("virtual"))).toEqual({
      trust: "virtual",
      root: undefined,
      certificateSha256: OLD,
    });
    expect(recordedCertificate(labelled("none"))).toBeUndefined();
    expect(recordedCertificate(labelled("gold"))).toBeUndefined();
    expect(recordedCertificate({ ...labelled("virtual"), status: { attestation: { class: "none" } } })).toBeUndefined();
    const refused = { attestation: { challenge: "1.2" } };
    expect(recordedCertificate({ ...labelled("virtual"), status: refused })?.certificateSha256).toBe(OLD);
  });
});

it("a machine that was refused once for another certificate is refused again, also before its status says what it proved", async () => {
  const { prove, status } = machineScene(
    undefined,
    {},
    {
      labels: { "rancheros.cattle.io/trust": "hardware" },
      annotations: { "rancheros.cattle.io/ek-certificate": OLD },
    },
  );
  for (const issuedAtMs of [1e13, 1e13 + 1]) {
    const challenge = { issuedAtMs, id: "0".repeat(32) };
    await expect(prove({ challenge })).rejects.toMatchObject({ code: "EK_CERTIFICATE_CHANGED" });
  }
  expect(status()).not.toHaveProperty("attestation.class");
});
