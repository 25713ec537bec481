/** Certificates that were given as files. */
import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { weakCertificate } from "../../../../../test/registration/weak-certificate.ts";
import { checkCa, checkPair } from "../../../src/http/io/given-certificate.ts";
import { makeCa, makeServingCertificate } from "../../../src/tls/certificates.ts";

const nowMs = Date.parse("2030-01-01T00:00:00Z");
const ca = makeCa(nowMs, randomBytes);
const one = makeServingCertificate(ca, ["one.example"], nowMs, randomBytes);
const other = makeServingCertificate(ca, ["other.example"], nowMs, randomBytes);

it("are taken with their key only, as a chain as well", () => {
  checkPair({ cert: one.certificatePem, key: one.keyPem }, "files");
  checkPair({ cert: one.certificatePem + ca.certificatePem, key: one.keyPem }, "files");
  for (const pair of [
    { cert: one.certificatePem, key: other.keyPem },
    { cert: ca.certificatePem + one.certificatePem, key: one.keyPem },
    { cert: "", key: one.keyPem },
    { cert: one.certificatePem, key: "" },
    { cert: one.keyPem, key: one.certificatePem },
    { cert: one.certificatePem.slice(0, 200), key: one.keyPem },
  ]) {
    expect(() => checkPair(pair, "files")).toThrow(expect.objectContaining({ code: "CERTIFICATE_INVALID" }));
  }
});

it("that TLS itself does not take are refused with its reason, before anybody is to be shown them", () => {
  const brokenDer = ca.certificatePem.replace(/\nM.../, "\nMAAA");
  for (const [pair, reason] of [
    [weakCertificate(), /key too small/],
    // As a chain that is written in its place looks like for a moment.
    [{ cert: one.certificatePem + ca.certificatePem.slice(0, 200), key: one.keyPem }, /end line/],
    [{ cert: one.certificatePem + brokenDer, key: one.keyPem }, /files: /],
  ] as const) {
    const refused = { code: "CERTIFICATE_INVALID", message: expect.stringMatching(reason) as unknown };
    expect(() => checkPair(pair, "files")).toThrow(expect.objectContaining(refused));
  }
});

it("of a CA say when they end, and nothing else is one", () => {
  expect(checkCa(ca.certificatePem, "file")).toBe(nowMs + 3_650 * 86_400_000);
  for (const text of ["", "-----BEGIN CERTIFICATE-----\n", ca.keyPem]) {
    expect(() => checkCa(text, "file")).toThrow(expect.objectContaining({ code: "CERTIFICATE_INVALID" }));
  }
});
