import { describe, expect, it } from "vitest";
import type { EndorsementKey } from "@rancheros/agent/tpm";
import { tpmHashJson } from "../../src/tpm-hash-json.ts";

function keyOf(notBefore: Date, notAfter: Date): EndorsementKey {
  const names = { issuer: "CN=Example CA", subject: "" };
  const certificateDer = Buffer.alloc(1);
  const source = { kind: "certificate", nvIndex: 0x01c0_0002, certificateDer, ...names, notBefore, notAfter } as const;
  return { kind: "rsa2048", hash: "a".repeat(64), source, publicKeySpkiDer: Buffer.alloc(1) };
}

describe("get-tpm-hash --json", () => {
  it("says when the certificate is valid", () => {
    const { source } = tpmHashJson(keyOf(new Date("2021-02-03T04:05:06Z"), new Date("2040-01-01T00:00:00Z")));
    expect(source).toEqual({
      kind: "certificate",
      nvIndex: "0x01c00002",
      issuer: "CN=Example CA",
      subject: "",
      notBefore: "2021-02-03T04:05:06.000Z",
      notAfter: "2040-01-01T00:00:00.000Z",
    });
  });

  it("says null for a time that nobody can read, and the hash all the same", () => {
    const told = tpmHashJson(keyOf(new Date(Number.NaN), new Date(Number.NaN)));
    expect(told).toMatchObject({ hash: "a".repeat(64), source: { notBefore: null, notAfter: null } });
  });
});
