import { describe, expect, it } from "vitest";
import { createHash, createPublicKey, verify } from "node:crypto";
import {
  decodeAttest,
  decodePublicArea,
  decodeSignature,
  encodeAttest,
  spkiFromPublicArea,
} from "@rancheros/protocol/tpm";
import { hex, swtpm } from "./swtpm-vectors.ts";
import { thrownBy } from "./thrown.ts";

const CREATION = hex(swtpm.attestationKeys.rsaPrimaryWithQualifyingData.createAttestation);
const QUOTE = hex(swtpm.otherAttestations.quote.attest);
const CERTIFY = hex(swtpm.otherAttestations.certify.attest);

describe("a TPM's own attestations (testdata/swtpm.json)", () => {
  it.each([
    ["creation by the storage root's child", hex(swtpm.attestationKeys.rsaChildOfStorageRoot.createAttestation)],
    ["creation by an RSA primary", CREATION],
    ["creation by an ECC primary", hex(swtpm.attestationKeys.eccPrimary.createAttestation)],
    ["quote", QUOTE],
    ["certify", CERTIFY],
  ])("%s is written again as it was read", (_case, bytes) => {
    expect(encodeAttest(decodeAttest(bytes)).equals(bytes)).toBe(true);
  });

  it("a creation names the key, its creation data and the qualifying data", () => {
    const vector = swtpm.attestationKeys.rsaPrimaryWithQualifyingData;
    const attest = decodeAttest(CREATION);
    expect(attest.extraData.toString("hex")).toBe("00112233445566778899aabbccddeeff");
    expect(attest.clockInfo).toMatchObject({ restartCount: 0, safe: true });
    expect(attest.clockInfo.clockMs).toBeGreaterThan(0n);
    expect(attest.attested).toEqual({
      type: "creation",
      objectName: hex(vector.name),
      creationHash: createHash("sha256").update(hex(vector.createData)).digest(),
    });
  });

  it("a quote names its registers, those of an empty bank too", () => {
    const attest = decodeAttest(QUOTE);
    expect(attest.extraData.toString("hex")).toBe("cafe");
    expect(attest.attested).toMatchObject({
      type: "quote",
      pcrSelect: [
        { hash: "SHA1", pcrSelect: Buffer.from([0, 0, 0]) },
        { hash: "SHA256", pcrSelect: Buffer.from([0b11, 0, 0b1]) },
      ],
    });
  });

  it("a certification names the other key, and its RSAPSS signature verifies", () => {
    const { signer, signature } = swtpm.otherAttestations.certify;
    const decoded = decodeSignature(hex(signature));
    const key = createPublicKey({
      key: spkiFromPublicArea(decodePublicArea(hex(signer))),
      format: "der",
      type: "spki",
    });
    expect(decodeAttest(CERTIFY).attested).toMatchObject({
      type: "certify",
      name: hex(swtpm.attestationKeys.eccPrimary.name),
    });
    expect(decoded).toMatchObject({ scheme: "RSAPSS", hash: "SHA256" });
    const RSA_PKCS1_PSS_PADDING = 6;
    const raw = decoded.scheme === "RSAPSS" ? decoded.signature : Buffer.alloc(0);
    expect(verify("sha256", CERTIFY, { key, padding: RSA_PKCS1_PSS_PADDING }, raw)).toBe(true);
  });
});

/** Offsets with a qualifiedSigner of 34 bytes and the qualifying data of 16 bytes. */
const AT = { magic: 0, type: 4, signerSize: 6, extraSize: 42, safe: 76, nameSize: 85 };

function changed(bytes: Buffer, offset: number, ...values: readonly number[]): Buffer {
  const copy = Buffer.from(bytes);
  copy.set(values, offset);
  return copy;
}

describe("malformed attestations, one field each", () => {
  it.each([
    ["no bytes at all", Buffer.alloc(0), "TPM_FORMAT_TRUNCATED", "magic"],
    ["not from a TPM", changed(CREATION, AT.magic, 0xfe), "TPM_FORMAT_MAGIC", "magic"],
    ["of the time", changed(CREATION, AT.type, 0x80, 0x19), "TPM_FORMAT_ATTESTATION_TYPE", "type"],
    ["of an unknown kind", changed(CREATION, AT.type, 0, 0), "TPM_FORMAT_ATTESTATION_TYPE", "type"],
    ["with a signer of 67 bytes", changed(CREATION, AT.signerSize, 0, 67), "TPM_FORMAT_LENGTH", "qualifiedSigner"],
    ["with extra data of 65535 bytes", changed(CREATION, AT.extraSize, 0xff, 0xff), "TPM_FORMAT_LENGTH", "extraData"],
    ["with a clock that is safe in a third way", changed(CREATION, AT.safe, 2), "TPM_FORMAT_VALUE", "clockInfo.safe"],
    ["with an endless name", changed(CREATION, AT.nameSize, 1, 0), "TPM_FORMAT_LENGTH", "attested.creation.objectName"],
    ["cut in the digest", CREATION.subarray(0, -1), "TPM_FORMAT_TRUNCATED", "attested.creation.creationHash"],
    ["with a byte after the end", Buffer.concat([CREATION, Buffer.alloc(1)]), "TPM_FORMAT_TRAILING_BYTES", "end"],
    ["a creation called quote", changed(CREATION, AT.type, 0x80, 0x18), "TPM_FORMAT_LENGTH", "pcrSelect.count"],
  ])("%s", (_case, bytes, code, field) => {
    expect(thrownBy(() => decodeAttest(bytes))).toMatchObject({ code, details: { structure: "TPMS_ATTEST", field } });
  });

  const quoteSelection = 6 + 36 + 4 + 17 + 8;

  it.each([
    ["of a billion banks", [0x40, 0, 0, 0], "TPM_FORMAT_LENGTH", "pcrSelect.count"],
    ["of an unknown bank", [0, 0, 0, 2, 0, 0x99], "TPM_FORMAT_ALGORITHM", "pcrSelect.hash"],
    ["of 40 registers", [0, 0, 0, 2, 0, 4, 5], "TPM_FORMAT_LENGTH", "pcrSelect.sizeofSelect"],
  ])("a quote %s", (_case, values, code, field) => {
    const bytes = changed(QUOTE, quoteSelection, ...values);
    expect(thrownBy(() => decodeAttest(bytes))).toMatchObject({ code, details: { field } });
  });
});
