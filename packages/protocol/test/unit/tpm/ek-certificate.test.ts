import { createPublicKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  EK_CERTIFICATE_MAX_BYTES,
  ekHash,
  readEkCertificate,
  stripTcgCertificateWrapper,
} from "@rancheros/protocol/tpm";
import { createEkCertificate, wrapEkCertificate } from "../../../../../test/software-tpm/index.ts";
import { hex, swtpm } from "./swtpm-vectors.ts";
import { thrownBy } from "./thrown.ts";

const SWTPM = hex(swtpm.endorsementCertificate);
const spkiDer = hex(swtpm.endorsementKeys.rsa.spki);
const caKey = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const made = createEkCertificate({ spkiDer, caKey, issuer: "Example CA", subject: "TPM, the first" });

describe("readEkCertificate", () => {
  it("reads the certificate that swtpm_localca issued (testdata/swtpm.json)", () => {
    const certificate = readEkCertificate(SWTPM);
    expect(certificate).toMatchObject({
      trailingBytes: 0,
      key: { type: "rsa", bits: 2048, exponent: 65537 },
      issuer: "CN=swtpm-localca",
      notAfter: new Date("9999-12-31T23:59:59Z"),
    });
    expect(certificate.publicKeySpkiDer.equals(spkiDer)).toBe(true);
    expect(certificate.der.equals(SWTPM)).toBe(true);
  });

  it("reads names, validity and serial number", () => {
    const notBefore = new Date("2021-02-03T04:05:06Z");
    const serialNumber = Buffer.from("00fedcba9876543210", "hex");
    const der = createEkCertificate({ spkiDer, caKey, issuer: "Example CA", subject: "TPM", notBefore, serialNumber });
    expect(readEkCertificate(der)).toMatchObject({
      issuer: "CN=Example CA",
      subject: "CN=TPM",
      notBefore,
      serialNumberHex: "fedcba9876543210",
    });
  });

  it.each([
    ["000007", "07"],
    ["0000000000fedcba9876543210", "fedcba9876543210"],
    ["0000", "0"],
    ["ffffff80", "-80"],
  ])("reads the serial number %s, which OpenSSL does not, and keeps the bytes", (padded, serialNumberHex) => {
    const der = createEkCertificate({ spkiDer, caKey, serialNumber: hex(padded) });
    expect(() => new X509Certificate(der)).toThrow();
    const certificate = readEkCertificate(Buffer.concat([der, Buffer.alloc(9, 0xff)]));
    expect(ekHash(certificate.publicKeySpkiDer)).toBe(ekHash(spkiDer));
    expect(certificate.der.equals(der)).toBe(true);
    expect(certificate).toMatchObject({ serialNumberHex, trailingBytes: 9 });
  });

  it("is not led astray by another certificate inside, which node:crypto reads in its place", () => {
    const subject = `\n-----BEGIN CERTIFICATE-----\n${made.toString("base64")}\n-----END CERTIFICATE-----\n`;
    const outer = createEkCertificate({ spkiDer, caKey, subject });
    expect(new X509Certificate(outer).raw.equals(made)).toBe(true);
    expect(thrownBy(() => readEkCertificate(outer))).toMatchObject({ code: "TPM_FORMAT_CERTIFICATE" });
  });

  it("reads an empty subject as empty", () => {
    expect(readEkCertificate(createEkCertificate({ spkiDer, caKey })).subject).toBe("");
  });

  it("normalises a key with id-RSAES-OAEP, which node:crypto cannot use", () => {
    const der = createEkCertificate({ spkiDer, caKey, rsaesOaep: true });
    expect(() => new X509Certificate(der).publicKey).toThrow();
    const certificate = readEkCertificate(der);
    expect(certificate.publicKeySpkiDer.equals(spkiDer)).toBe(true);
    expect(ekHash(certificate.publicKeySpkiDer)).toBe(ekHash(spkiDer));
    expect(() => createPublicKey({ key: certificate.publicKeySpkiDer, format: "der", type: "spki" })).not.toThrow();
  });

  it("reads an ECC key", () => {
    const ecc = hex(swtpm.endorsementKeys.ecc.spki);
    const certificate = readEkCertificate(createEkCertificate({ spkiDer: ecc, caKey }));
    expect(certificate.key).toMatchObject({ type: "ec", curve: "P-256" });
    expect(certificate.publicKeySpkiDer.equals(ecc)).toBe(true);
  });

  it("finds the same key as node:crypto", () => {
    const key = new X509Certificate(made).publicKey.export({ format: "der", type: "spki" });
    expect(readEkCertificate(made).publicKeySpkiDer.equals(key)).toBe(true);
  });

  it.each([
    ["zeros", Buffer.alloc(700)],
    ["erased flash", Buffer.alloc(3, 0xff)],
    ["another certificate", made],
  ])("reports %s after the end and leaves them out", (_case, tail) => {
    const certificate = readEkCertificate(Buffer.concat([made, tail]));
    expect(certificate.trailingBytes).toBe(tail.length);
    expect(certificate.der.equals(made)).toBe(true);
  });

  it.each([
    ["no bytes at all", Buffer.alloc(0)],
    ["erased flash", Buffer.alloc(1024, 0xff)],
    ["zeros", Buffer.alloc(1024)],
    ["PEM", Buffer.from("-----BEGIN CERTIFICATE-----\nMIIB")],
    ["a cut certificate", made.subarray(0, -1)],
    ["a serial number of no bytes", createEkCertificate({ spkiDer, caKey, serialNumber: Buffer.alloc(0) })],
    ["an empty sequence", Buffer.from("3000", "hex")],
    ["a sequence of nonsense", Buffer.from("3003020101", "hex")],
    ["an indefinite length", Buffer.concat([Buffer.from("3080", "hex"), made.subarray(4)])],
    ["a bare key", spkiDer],
    ["more than 8 KiB", Buffer.concat([made, Buffer.alloc(EK_CERTIFICATE_MAX_BYTES)])],
    ["the TCG wrapper still on", wrapEkCertificate(made)],
  ])("refuses %s", (_case, bytes) => {
    expect(thrownBy(() => readEkCertificate(bytes))).toMatchObject({ code: "TPM_FORMAT_CERTIFICATE" });
  });

  it("refuses a key of another kind with a code of its own", () => {
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
    const der = createEkCertificate({ spkiDer: publicKey.export({ format: "der", type: "spki" }), caKey });
    expect(thrownBy(() => readEkCertificate(der))).toMatchObject({ code: "TPM_FORMAT_KEY_ALGORITHM" });
  });
});

describe("stripTcgCertificateWrapper", () => {
  it("takes the wrapper off and leaves what follows the certificate", () => {
    const stored = Buffer.concat([wrapEkCertificate(made), Buffer.alloc(40, 0xff)]);
    expect(stripTcgCertificateWrapper(stored).equals(made)).toBe(true);
  });

  it.each([
    ["a bare certificate", made],
    ["nothing", Buffer.alloc(0)],
    ["four bytes", Buffer.from("10010000", "hex")],
  ])("leaves %s as it is", (_case, bytes) => {
    expect(stripTcgCertificateWrapper(bytes).equals(bytes)).toBe(true);
  });

  it.each([
    ["a partial certificate", Buffer.from("1001010002aabb", "hex")],
    ["more than there is", Buffer.from("1001000003aabb", "hex")],
  ])("refuses a wrapper of %s", (_case, bytes) => {
    expect(thrownBy(() => stripTcgCertificateWrapper(bytes))).toMatchObject({ code: "TPM_FORMAT_CERTIFICATE" });
  });
});
