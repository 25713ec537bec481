import { describe, expect, it } from "vitest";
import { createHash } from "node:crypto";
import { decodeAttest, decodeCreationData, encodeCreationData } from "@rancheros/protocol/tpm";
import { hex, swtpm } from "./swtpm-vectors.ts";
import { thrownBy } from "./thrown.ts";

const CHILD = hex(swtpm.attestationKeys.rsaChildOfStorageRoot.createData);
const EMPTY_DIGEST = createHash("sha256").digest();

describe("a TPM's own creation data (testdata/swtpm.json)", () => {
  it.each(Object.entries(swtpm.attestationKeys))("of %s is written again as it was read", (_name, vector) => {
    const bytes = hex(vector.createData);
    expect(encodeCreationData(decodeCreationData(bytes)).equals(bytes)).toBe(true);
  });

  it.each(Object.entries(swtpm.attestationKeys))("of %s is what the attestation is about", (_name, vector) => {
    const creationHash = createHash("sha256").update(hex(vector.createData)).digest();
    expect(decodeAttest(hex(vector.createAttestation)).attested).toMatchObject({ type: "creation", creationHash });
  });

  it("names the parent of a child", () => {
    const data = decodeCreationData(CHILD);
    expect(data).toMatchObject({ pcrSelect: [], pcrDigest: EMPTY_DIGEST, locality: 1, parentNameAlg: "SHA256" });
    expect(data.parentName).toHaveLength(34);
    expect(data.outsideInfo).toHaveLength(0);
  });

  it("names the hierarchy of a primary, and the registers that were asked for", () => {
    const data = decodeCreationData(hex(swtpm.attestationKeys.rsaPrimaryWithQualifyingData.createData));
    const endorsementHierarchy = Buffer.from("4000000b", "hex");
    expect(data).toMatchObject({
      parentNameAlg: "NULL",
      parentName: endorsementHierarchy,
      parentQualifiedName: endorsementHierarchy,
      pcrSelect: [{ hash: "SHA256", pcrSelect: Buffer.from([0x81, 0, 0]) }],
    });
  });

  it("keeps what the caller gave", () => {
    const data = decodeCreationData(hex(swtpm.attestationKeys.eccPrimary.createData));
    expect(data.outsideInfo.toString("hex")).toBe("0badc0de");
  });
});

/** Offsets without register selection. */
const AT = { count: 0, digestSize: 4, parentNameAlg: 39, parentNameSize: 41 };

function with16(offset: number, value: number): Buffer {
  const copy = Buffer.from(CHILD);
  copy.writeUInt16BE(value, offset);
  return copy;
}

describe("malformed creation data, one field each", () => {
  it.each([
    ["no bytes at all", Buffer.alloc(0), "TPM_FORMAT_TRUNCATED", "pcrSelect.count"],
    ["a million selections", with16(AT.count, 16), "TPM_FORMAT_LENGTH", "pcrSelect.count"],
    ["a digest of 65 bytes", with16(AT.digestSize, 65), "TPM_FORMAT_LENGTH", "pcrDigest"],
    ["an unknown parent algorithm", with16(AT.parentNameAlg, 0x77), "TPM_FORMAT_ALGORITHM", "parentNameAlg"],
    ["a parent name of 67 bytes", with16(AT.parentNameSize, 67), "TPM_FORMAT_LENGTH", "parentName"],
    ["cut before the outside information", CHILD.subarray(0, -1), "TPM_FORMAT_TRUNCATED", "outsideInfo"],
    ["a byte after the end", Buffer.concat([CHILD, Buffer.alloc(1)]), "TPM_FORMAT_TRAILING_BYTES", "end"],
  ])("%s", (_case, bytes, code, field) => {
    expect(thrownBy(() => decodeCreationData(bytes))).toMatchObject({
      code,
      details: { structure: "TPMS_CREATION_DATA", field },
    });
  });
});
