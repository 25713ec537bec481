/** Certificates that were given as files. */
import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { checkCa, checkPair } from "../../../src/http/given-certificate.ts";
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

it("of a CA say when they end, and nothing else is one", () => {
  expect(checkCa(ca.certificatePem, "file")).toBe(nowMs + 3_650 * 86_400_000);
  for (const text of ["", "-----BEGIN CERTIFICATE-----\n", ca.keyPem]) {
    expect(() => checkCa(text, "file")).toThrow(expect.objectContaining({ code: "CERTIFICATE_INVALID" }));
  }
});
