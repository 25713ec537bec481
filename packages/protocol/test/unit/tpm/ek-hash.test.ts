import { createHash, createPublicKey, generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { decodeSubjectPublicKey, ekHash, encodeSubjectPublicKey } from "@rancheros/protocol/tpm";
import { withRsaesOaep } from "../../../../../test/software-tpm/index.ts";
import { hex, swtpm } from "./swtpm-vectors.ts";
import { thrownBy } from "./thrown.ts";

const RSA = hex(swtpm.endorsementKeys.rsa.spki);
const ECC = hex(swtpm.endorsementKeys.ecc.spki);

/** Fixed key and hash; the hash was computed with `openssl pkey -pubin -outform DER | sha256sum` (OpenSSL 3.0.19). */
const OPENSSL = {
  spki: hex(swtpm.credentials.rsa.spki),
  sha256: "3be3399472a211d79083840fafa5e994505c5189bd82b6a6934a505c6fa97dd1",
  eccSpki: hex(swtpm.credentials.ecc.spki),
  eccSha256: "5c3c1e0ca6f03415e5379cafa0d7c466846aa2813775c34ce548446bc83317cb",
};

describe("ekHash", () => {
  it("is the SHA-256 of the canonical SubjectPublicKeyInfo", () => {
    expect(ekHash(OPENSSL.spki)).toBe(OPENSSL.sha256);
    expect(ekHash(OPENSSL.eccSpki)).toBe(OPENSSL.eccSha256);
  });

  it.each([
    ["RSA", RSA],
    ["ECC", ECC],
  ])("of the TPM's %s key is that of the bytes that tpm2_readpublic writes", (_type, spki) => {
    expect(ekHash(spki)).toBe(createHash("sha256").update(spki).digest("hex"));
  });

  it("is the same when the key says id-RSAES-OAEP", () => {
    const oaep = withRsaesOaep(RSA);
    expect(oaep.equals(RSA)).toBe(false);
    expect(ekHash(oaep)).toBe(ekHash(RSA));
  });

  it("is the same for id-RSAES-OAEP with parameters and for absent NULL", () => {
    const parameters = withAlgorithm("30 0d 06 09 2a864886f70d010107 30 00");
    const noNull = withAlgorithm("30 0b 06 09 2a864886f70d010101");
    expect(ekHash(parameters)).toBe(ekHash(RSA));
    expect(ekHash(noNull)).toBe(ekHash(RSA));
  });

  it("is the same for a modulus with superfluous zeros and lengths in more bytes than needed", () => {
    const modulus = Buffer.concat([Buffer.from("0284000001020000", "hex"), modulusOf(RSA)]);
    const key = long(0x30, Buffer.concat([modulus, Buffer.from("0203010001", "hex")]));
    const algorithm = Buffer.from("300d06092a864886f70d0101010500", "hex");
    const spelled = long(0x30, Buffer.concat([algorithm, long(0x03, Buffer.concat([Buffer.from([0]), key]))]));
    expect(spelled.length).toBeGreaterThan(RSA.length);
    expect(ekHash(spelled.subarray())).toBe(ekHash(RSA));
  });
});

describe("SubjectPublicKeyInfo", () => {
  it("is read into its numbers", () => {
    expect(decodeSubjectPublicKey(RSA)).toMatchObject({ type: "rsa", bits: 2048, exponent: 65537 });
    expect(decodeSubjectPublicKey(ECC)).toMatchObject({ type: "ec", curve: "P-256" });
  });

  it.each([512, 1024, 1032, 2047, 2048, 3072, 4096])("tells the size of an RSA key of %d bits", (bits) => {
    const modulus = Buffer.from(((1n << BigInt(bits)) - 1n).toString(16).padStart(Math.ceil(bits / 8) * 2, "0"), "hex");
    const spki = encodeSubjectPublicKey({ type: "rsa", bits, modulus, exponent: 65537 });
    expect(decodeSubjectPublicKey(spki)).toMatchObject({ bits, modulus });
  });

  it("is written as OpenSSL writes it", () => {
    const rsa3 = generateKeyPairSync("rsa", { modulusLength: 1024, publicExponent: 3 }).publicKey;
    const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey;
    for (const key of [rsa3, ec, createPublicKey({ key: RSA, format: "der", type: "spki" })]) {
      const der = key.export({ format: "der", type: "spki" });
      expect(encodeSubjectPublicKey(decodeSubjectPublicKey(der)).equals(der)).toBe(true);
    }
  });

  it.each([
    ["no bytes at all", Buffer.alloc(0), "TPM_FORMAT_KEY"],
    ["text", Buffer.from("-----BEGIN PUBLIC KEY-----"), "TPM_FORMAT_KEY"],
    ["a cut key", RSA.subarray(0, -1), "TPM_FORMAT_KEY"],
    ["a byte after the end", Buffer.concat([RSA, Buffer.alloc(1)]), "TPM_FORMAT_KEY"],
    ["an indefinite length", changed(RSA, 1, 0x80), "TPM_FORMAT_KEY"],
    ["a length of eight bytes", changed(RSA, 1, 0x88), "TPM_FORMAT_KEY"],
    ["unused bits", changed(RSA, 23, 1), "TPM_FORMAT_KEY"],
    ["a negative modulus", changed(RSA, 32, 0x80), "TPM_FORMAT_KEY"],
    ["an octet string for the key", changed(RSA, 19, 0x04), "TPM_FORMAT_KEY"],
    ["RSASSA-PSS", changed(RSA, 16, 0x0a), "TPM_FORMAT_KEY_ALGORITHM"],
    ["a compressed point", changed(ECC, 26, 2), "TPM_FORMAT_KEY"],
    ["a point of P-224's size", ecKey("06072a8648ce3d0201", "06082a8648ce3d030107", 56), "TPM_FORMAT_KEY"],
    ["P-384", ecKey("06072a8648ce3d0201", "06052b81040022", 96), "TPM_FORMAT_KEY_ALGORITHM"],
    ["an elliptic curve without name", ecKey("06072a8648ce3d0201", "3000", 64), "TPM_FORMAT_KEY_ALGORITHM"],
    ["Ed25519", Buffer.from(`302a300506032b6570032100${"00".repeat(32)}`, "hex"), "TPM_FORMAT_KEY_ALGORITHM"],
    ["an exponent of five bytes", rsaKey("05", "0100000001"), "TPM_FORMAT_KEY"],
    ["an exponent of zero", rsaKey("01", "00"), "TPM_FORMAT_KEY"],
    ["an empty exponent", rsaKey("00", ""), "TPM_FORMAT_KEY"],
  ])("refuses %s", (_case, der, code) => {
    expect(thrownBy(() => ekHash(der))).toMatchObject({ code, failure: "nonsense" });
  });
});

function modulusOf(spki: Buffer): Buffer {
  return spki.subarray(33, 33 + 256);
}

function changed(bytes: Buffer, offset: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[offset] = value;
  return copy;
}

function withAlgorithm(digits: string): Buffer {
  return long(0x30, Buffer.concat([Buffer.from(digits.replaceAll(" ", ""), "hex"), RSA.subarray(19)]));
}

function ecKey(algorithm: string, curve: string, pointBytes: number): Buffer {
  const point = Buffer.concat([Buffer.from([0, 4]), Buffer.alloc(pointBytes, 7)]);
  const identifiers = Buffer.from(algorithm + curve, "hex");
  return long(0x30, Buffer.concat([long(0x30, identifiers), long(0x03, point)]));
}

function rsaKey(exponentLength: string, exponent: string): Buffer {
  const numbers = Buffer.from(`020103 02${exponentLength}${exponent}`.replaceAll(" ", ""), "hex");
  const algorithm = Buffer.from("300d06092a864886f70d0101010500", "hex");
  return long(0x30, Buffer.concat([algorithm, long(0x03, Buffer.concat([Buffer.from([0]), long(0x30, numbers)]))]));
}

/** An element with a length of four bytes: not the shortest spelling. */
function long(tag: number, content: Buffer): Buffer {
  const header = Buffer.from([tag, 0x84, 0, 0, 0, 0]);
  header.writeUInt32BE(content.length, 2);
  return Buffer.concat([header, content]);
}
