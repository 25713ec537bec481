import { describe, expect, it } from "vitest";
import {
  decodePublicArea,
  EK_POLICY_SHA256,
  encodePublicArea,
  publicAreaFromSpki,
  RSA_AK_TEMPLATE,
  RSA_EK_TEMPLATE,
  spkiFromPublicArea,
  TPMA_OBJECT,
} from "@rancheros/protocol/tpm";
import type { RsaPublicArea } from "@rancheros/protocol/tpm";
import { hex, publicAreaVector, swtpm } from "./swtpm-vectors.ts";
import { thrownBy } from "./thrown.ts";

const { rsa, ecc } = swtpm.endorsementKeys;
const eccArea = decodePublicArea(hex(ecc.public));

describe("the default RSA-2048 EK template", () => {
  it("with the TPM's key is the TPM's own public area", () => {
    expect(encodePublicArea(publicAreaFromSpki(hex(rsa.spki), RSA_EK_TEMPLATE)).toString("hex")).toBe(rsa.public);
  });

  it("has the bytes of template L-1 (TCG EK Credential Profile)", () => {
    const expected = `0001000b000300b20020${EK_POLICY_SHA256}00060080004300100800000000000100${"00".repeat(256)}`;
    expect(encodePublicArea(RSA_EK_TEMPLATE).toString("hex")).toBe(expected);
  });
});

describe("the attestation key template", () => {
  it("with the TPM's key is what rancherd's key looks like, but for NO_DA", () => {
    const vector = swtpm.attestationKeys.rsaChildOfStorageRoot.public;
    const spki = spkiFromPublicArea(decodePublicArea(hex(vector)));
    const objectAttributes = RSA_AK_TEMPLATE.objectAttributes & ~TPMA_OBJECT.NO_DA;
    expect(objectAttributes).not.toBe(RSA_AK_TEMPLATE.objectAttributes);
    const area = publicAreaFromSpki(spki, { ...RSA_AK_TEMPLATE, objectAttributes });
    expect(encodePublicArea(area).toString("hex")).toBe(vector);
  });
});

describe("spkiFromPublicArea", () => {
  it.each([
    ["RSA", rsa],
    ["ECC", ecc],
  ])("gives what tpm2_readpublic -f der gives for %s", (_type, vector) => {
    expect(spkiFromPublicArea(decodePublicArea(hex(vector.public))).toString("hex")).toBe(vector.spki);
  });

  it("fills coordinates that a TPM left short", () => {
    const short = { ...eccArea, x: Buffer.from([1]), y: Buffer.from([2, 3]) };
    expect(spkiFromPublicArea(short).subarray(-64).toString("hex")).toBe(`${"00".repeat(31)}01${"00".repeat(30)}0203`);
  });

  it("keeps an exponent other than the default", () => {
    const area = { ...(decodePublicArea(hex(rsa.public)) as RsaPublicArea), exponent: 3 };
    const spki = spkiFromPublicArea(area);
    expect(spki.subarray(-3).toString("hex")).toBe("020103");
    expect(publicAreaFromSpki(spki, RSA_EK_TEMPLATE)).toMatchObject({ exponent: 3 });
  });

  it.each([
    ["a template", { ...RSA_EK_TEMPLATE, modulus: Buffer.alloc(0) }, "TPM_FORMAT_KEY"],
    ["P-384", decodePublicArea(publicAreaVector("ecc384-sign")), "TPM_FORMAT_KEY_ALGORITHM"],
    ["a modulus of zero", RSA_EK_TEMPLATE, "TPM_FORMAT_KEY"],
  ])("refuses %s", (_case, area, code) => {
    expect(thrownBy(() => spkiFromPublicArea(area))).toMatchObject({ code });
  });
});

describe("publicAreaFromSpki", () => {
  it("gives an ECC key back", () => {
    expect(publicAreaFromSpki(hex(ecc.spki), eccArea)).toEqual(eccArea);
  });

  it.each([
    ["an ECC key with an RSA template", ecc.spki, RSA_EK_TEMPLATE],
    ["an RSA key with an ECC template", rsa.spki, eccArea],
    ["a key of another size", rsa.spki, { ...RSA_EK_TEMPLATE, keyBits: 3072 as const }],
  ])("refuses %s", (_case, spki, template) => {
    expect(thrownBy(() => publicAreaFromSpki(hex(spki), template))).toMatchObject({ code: "TPM_FORMAT_KEY_ALGORITHM" });
  });
});
