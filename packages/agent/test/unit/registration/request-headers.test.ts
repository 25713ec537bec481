import { parseAttestationHeader, parseSmbiosHeader } from "@rancheros/protocol/messages";
import { describe, expect, it } from "vitest";

import { attestationHeader, requestHeaders } from "../../../src/registration/request-headers.ts";
import type { AttestationKey, EndorsementKey } from "../../../src/tpm/index.ts";

const AK: AttestationKey = {
  publicArea: Buffer.from("public"),
  creationData: Buffer.from("creation"),
  attestation: Buffer.from("attestation"),
  signature: Buffer.from("signature"),
  name: Buffer.from("name"),
};
const SPKI = Buffer.from("spki");
const BARE: EndorsementKey = {
  kind: "rsa2048",
  source: { kind: "template", why: "none" },
  publicKeySpkiDer: SPKI,
  hash: "00",
};

describe("attestationHeader", () => {
  it("carries the bare key where there is no certificate, and what the TPM said about the AK", () => {
    const data = parseAttestationHeader(attestationHeader(BARE, AK));
    expect(data).toEqual({
      ek: { type: "public-key", spkiDer: SPKI },
      ak: {
        public: AK.publicArea,
        createData: AK.creationData,
        createAttestation: AK.attestation,
        createSignature: AK.signature,
      },
    });
  });

  it("carries the certificate in the key's place where there is one", () => {
    const certificateDer = Buffer.from("certificate");
    const when = new Date(0);
    const names = { issuer: "", subject: "", notBefore: when, notAfter: when };
    const ek: EndorsementKey = { ...BARE, source: { kind: "certificate", nvIndex: 1, certificateDer, ...names } };
    expect(parseAttestationHeader(attestationHeader(ek, AK)).ek).toEqual({ type: "certificate", certificateDer });
  });
});

describe("requestHeaders", () => {
  const system = { "System Information": { Manufacturer: "Test Inc.", "Serial Number": "S1" } };
  const modules = Array.from({ length: 400 }, (_value, slot) => ({
    Locator: `DIMM ${slot}`,
    "Part Number": "x".repeat(100),
  }));
  const large = { ...system, "Memory Device[]": modules };
  const authorization = "a".repeat(5_000);

  it("sends no SMBIOS where none is to be told", () => {
    expect(requestHeaders(authorization, undefined, Infinity)).toEqual({ authorization });
  });

  it("sends a small report as it is", () => {
    const headers = requestHeaders(authorization, system, Infinity);
    expect(parseSmbiosHeader(headers["x-cattle-smbios"] ?? "")).toEqual(system);
  });

  it.each([
    { maxSmbiosBytes: Infinity, atMost: 32 * 1024 - 2048 },
    { maxSmbiosBytes: 7 * 1024, atMost: 7 * 1024 + authorization.length },
  ])("keeps all headers below $atMost bytes, and what the machine is called", ({ maxSmbiosBytes, atMost }) => {
    const headers = requestHeaders(authorization, large, maxSmbiosBytes);
    expect(Object.values(headers).join("").length).toBeLessThanOrEqual(atMost);
    expect(parseSmbiosHeader(headers["x-cattle-smbios"] ?? "")).toMatchObject(system);
  });
});
