import { describe, expect, it } from "vitest";
import { createPublicKey, verify } from "node:crypto";
import { decodePublicArea, decodeSignature, encodeSignature, spkiFromPublicArea } from "@rancheros/protocol/tpm";
import { hex, swtpm } from "./swtpm-vectors.ts";
import { thrownBy } from "./thrown.ts";

const RSA = hex(swtpm.attestationKeys.rsaChildOfStorageRoot.createSignature);
const ECC = hex(swtpm.attestationKeys.eccPrimary.createSignature);

describe("a TPM's own signatures (testdata/swtpm.json)", () => {
  it.each([
    ["RSASSA", RSA],
    ["ECDSA", ECC],
    ["RSAPSS", hex(swtpm.otherAttestations.certify.signature)],
    ["of a quote", hex(swtpm.otherAttestations.quote.signature)],
  ])("%s is written again as it was read", (_case, bytes) => {
    expect(encodeSignature(decodeSignature(bytes)).equals(bytes)).toBe(true);
  });

  it.each(Object.entries(swtpm.attestationKeys))("of %s verifies with the key beside it", (_name, vector) => {
    const signature = decodeSignature(hex(vector.createSignature));
    const spki = spkiFromPublicArea(decodePublicArea(hex(vector.public)));
    const key = createPublicKey({ key: spki, format: "der", type: "spki" });
    const raw = signature.scheme === "ECDSA" ? Buffer.concat([signature.r, signature.s]) : signature.signature;
    const options = signature.scheme === "ECDSA" ? { key, dsaEncoding: "ieee-p1363" as const } : key;
    expect(signature.hash).toBe("SHA256");
    expect(verify("sha256", hex(vector.createAttestation), options, raw)).toBe(true);
  });
});

function with16(bytes: Buffer, offset: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt16BE(value, offset);
  return copy;
}

describe("malformed signatures, one field each", () => {
  it.each([
    ["no bytes at all", Buffer.alloc(0), "TPM_FORMAT_TRUNCATED", "sigAlg"],
    ["no scheme", with16(RSA, 0, 0x0010), "TPM_FORMAT_ALGORITHM", "sigAlg"],
    ["an HMAC", with16(RSA, 0, 0x0005), "TPM_FORMAT_ALGORITHM", "sigAlg"],
    ["ECDAA", with16(ECC, 0, 0x001a), "TPM_FORMAT_ALGORITHM", "sigAlg"],
    ["no hash", with16(RSA, 2, 0x0010), "TPM_FORMAT_ALGORITHM", "hash"],
    ["no signature", Buffer.from("0014000b0000", "hex"), "TPM_FORMAT_LENGTH", "sig"],
    ["a signature of 513 bytes", with16(RSA, 4, 513), "TPM_FORMAT_LENGTH", "sig"],
    ["cut in the signature", RSA.subarray(0, -1), "TPM_FORMAT_TRUNCATED", "sig"],
    ["a byte after the end", Buffer.concat([RSA, Buffer.alloc(1)]), "TPM_FORMAT_TRAILING_BYTES", "end"],
    ["an RSA signature called ECDSA", with16(RSA, 0, 0x0018), "TPM_FORMAT_LENGTH", "signatureR"],
    ["an ECDSA signature called RSASSA", with16(ECC, 0, 0x0014), "TPM_FORMAT_TRAILING_BYTES", "end"],
    ["an empty number", with16(ECC, 4, 0), "TPM_FORMAT_LENGTH", "signatureR"],
    ["only one number", ECC.subarray(0, 38), "TPM_FORMAT_TRUNCATED", "signatureS"],
  ])("%s", (_case, bytes, code, field) => {
    expect(thrownBy(() => decodeSignature(bytes))).toMatchObject({
      code,
      details: { structure: "TPMT_SIGNATURE", field },
    });
  });
});
