import { describe, expect, it } from "vitest";
import { decodePublicArea, encodePublicArea, objectName } from "@rancheros/protocol/tpm";
import { hex, publicAreaVector, swtpm } from "./swtpm-vectors.ts";
import { thrownBy } from "./thrown.ts";

const AK = hex(swtpm.attestationKeys.rsaChildOfStorageRoot.public);
const ECC_AK = hex(swtpm.attestationKeys.eccPrimary.public);

const NAMED: readonly (readonly [name: string, vector: { readonly public: string; readonly name: string }])[] = [
  ...Object.entries(swtpm.attestationKeys),
  ...Object.entries(swtpm.publicAreas),
];

describe("a TPM's own public areas (testdata/swtpm.json)", () => {
  it.each(NAMED)("%s is written again as it was read, and has the TPM's name for it", (_name, vector) => {
    const bytes = hex(vector.public);
    expect(encodePublicArea(decodePublicArea(bytes)).toString("hex")).toBe(vector.public);
    expect(objectName(bytes).toString("hex")).toBe(vector.name);
  });

  it("reads the attestation key that rancherd asks for", () => {
    const area = decodePublicArea(AK);
    expect(area).toMatchObject({
      type: "RSA",
      nameAlg: "SHA256",
      objectAttributes: 0x0005_0072,
      symmetric: { algorithm: "NULL" },
      scheme: { scheme: "RSASSA", hash: "SHA256" },
      keyBits: 2048,
      exponent: 0,
    });
    expect(area.authPolicy).toHaveLength(0);
    expect(area.type === "RSA" && area.modulus).toHaveLength(256);
  });

  it("reads an ECC attestation key", () => {
    expect(decodePublicArea(ECC_AK)).toMatchObject({
      type: "ECC",
      curve: "NIST_P256",
      scheme: { scheme: "ECDSA", hash: "SHA256" },
      kdf: { scheme: "NULL" },
    });
  });

  it.each([
    ["ecc384-sign", { type: "ECC", curve: "NIST_P384", scheme: { scheme: "ECDSA", hash: "SHA384" } }],
    ["rsa1024-sign", { type: "RSA", keyBits: 1024, scheme: { scheme: "RSASSA", hash: "SHA1" } }],
    ["rsa3072-storage", { type: "RSA", keyBits: 3072, symmetric: { algorithm: "AES", keyBits: 256, mode: "CFB" } }],
    ["rsa2048-oaep", { type: "RSA", scheme: { scheme: "OAEP", hash: "SHA256" } }],
    ["ecc256-ecdh", { type: "ECC", scheme: { scheme: "ECDH", hash: "SHA256" } }],
    ["ecc256-storage", { type: "ECC", symmetric: { algorithm: "AES", keyBits: 128, mode: "CFB" } }],
  ])("reads %s", (name, expected) => {
    expect(decodePublicArea(publicAreaVector(name))).toMatchObject(expected);
  });
});

describe("a policy", () => {
  // Attributes 0x00050472 and a policy digest: the shape in which Infineon's and Google's attestation keys come.
  it("of one digest of nameAlg is kept", () => {
    const area = { ...decodePublicArea(AK), objectAttributes: 0x0005_0472, authPolicy: Buffer.alloc(32, 0x9d) };
    const bytes = encodePublicArea(area);
    expect(bytes).toHaveLength(AK.length + 32);
    expect(decodePublicArea(bytes)).toMatchObject({ objectAttributes: 0x0005_0472, authPolicy: area.authPolicy });
    expect(encodePublicArea(decodePublicArea(bytes)).equals(bytes)).toBe(true);
  });

  it("of another size is refused", () => {
    const bytes = encodePublicArea({ ...decodePublicArea(AK), authPolicy: Buffer.alloc(31) });
    expect(thrownBy(() => decodePublicArea(bytes))).toMatchObject({
      code: "TPM_FORMAT_LENGTH",
      details: { field: "authPolicy" },
    });
  });
});

/** Offsets in an RSA public area without policy. */
const AT = {
  type: 0,
  nameAlg: 2,
  policySize: 8,
  symmetric: 10,
  scheme: 12,
  schemeHash: 14,
  keyBits: 16,
  modulusSize: 22,
};
/** Offsets in an ECC public area without policy. */
const ECC_AT = { scheme: 12, schemeHash: 14, curve: 16, kdf: 18, xSize: 20, ySize: 54 };

function with16(bytes: Buffer, offset: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt16BE(value, offset);
  return copy;
}

describe("malformed public areas, one field each", () => {
  it.each([
    ["no bytes at all", Buffer.alloc(0), "TPM_FORMAT_TRUNCATED", "type"],
    ["a keyed hash object", with16(AK, AT.type, 0x0008), "TPM_FORMAT_ALGORITHM", "type"],
    ["a symmetric cipher object", with16(AK, AT.type, 0x0025), "TPM_FORMAT_ALGORITHM", "type"],
    ["no name algorithm", with16(AK, AT.nameAlg, 0x0010), "TPM_FORMAT_ALGORITHM", "nameAlg"],
    ["an unknown name algorithm", with16(AK, AT.nameAlg, 0x0012), "TPM_FORMAT_ALGORITHM", "nameAlg"],
    ["a policy as long as the rest", with16(AK, AT.policySize, 0xffff), "TPM_FORMAT_LENGTH", "authPolicy"],
    ["a Camellia key", with16(AK, AT.symmetric, 0x0026), "TPM_FORMAT_ALGORITHM", "symmetric.algorithm"],
    ["ECDSA on an RSA key", with16(AK, AT.scheme, 0x0018), "TPM_FORMAT_ALGORITHM", "scheme"],
    ["RSASSA with no hash", with16(AK, AT.schemeHash, 0x0010), "TPM_FORMAT_ALGORITHM", "scheme.hash"],
    ["RSA with 2047 bits", with16(AK, AT.keyBits, 2047), "TPM_FORMAT_VALUE", "keyBits"],
    ["a modulus longer than the key", with16(AK, AT.keyBits, 1024), "TPM_FORMAT_LENGTH", "unique.rsa"],
    ["a modulus that ends early", AK.subarray(0, -1), "TPM_FORMAT_TRUNCATED", "unique.rsa"],
    ["a modulus size of 65535", with16(AK, AT.modulusSize, 0xffff), "TPM_FORMAT_LENGTH", "unique.rsa"],
    ["a byte after the end", Buffer.concat([AK, Buffer.alloc(1)]), "TPM_FORMAT_TRAILING_BYTES", "end"],
    ["its size in front (TPM2B_PUBLIC)", Buffer.concat([Buffer.from([1, 24]), AK]), "TPM_FORMAT_ALGORITHM", "type"],
    ["RSASSA on an ECC key", with16(ECC_AK, ECC_AT.scheme, 0x0014), "TPM_FORMAT_ALGORITHM", "scheme"],
    ["the curve BN P256", with16(ECC_AK, ECC_AT.curve, 0x0010), "TPM_FORMAT_ALGORITHM", "curveID"],
    ["an unknown key derivation", with16(ECC_AK, ECC_AT.kdf, 0x0001), "TPM_FORMAT_ALGORITHM", "kdf"],
    ["a coordinate of 33 bytes", with16(ECC_AK, ECC_AT.xSize, 33), "TPM_FORMAT_LENGTH", "unique.x"],
    ["no second coordinate", ECC_AK.subarray(0, ECC_AT.ySize), "TPM_FORMAT_TRUNCATED", "unique.y"],
  ])("%s", (_case, bytes, code, field) => {
    expect(thrownBy(() => decodePublicArea(bytes))).toMatchObject({
      code,
      details: { structure: "TPMT_PUBLIC", field },
    });
  });

  const EK = hex(swtpm.endorsementKeys.rsa.public);
  const afterPolicy = 10 + 32;

  it.each([
    ["AES-127", with16(EK, afterPolicy + 2, 127), "TPM_FORMAT_VALUE", "symmetric.keyBits"],
    ["AES in CBC", with16(EK, afterPolicy + 4, 0x0042), "TPM_FORMAT_ALGORITHM", "symmetric.mode"],
  ])("a storage key with %s", (_case, bytes, code, field) => {
    expect(thrownBy(() => decodePublicArea(bytes))).toMatchObject({ code, details: { field } });
  });
});

describe("objectName", () => {
  it("refuses bytes without a known name algorithm", () => {
    expect(thrownBy(() => objectName(Buffer.from("0001", "hex")))).toMatchObject({ code: "TPM_FORMAT_TRUNCATED" });
    expect(thrownBy(() => objectName(Buffer.from("00010010", "hex")))).toMatchObject({ code: "TPM_FORMAT_ALGORITHM" });
  });
});
