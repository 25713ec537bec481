import { createPublicKey, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { isAcceptedAlgorithm, isSignedWith, signedBytesOf, TpmFormatError } from "@rancheros/protocol/tpm";
import { createAuthority, createCertificate } from "../../../../../test/software-tpm/index.ts";
import { hex, swtpm } from "./swtpm-vectors.ts";

const rsa = createAuthority("RSA");
const ec = createAuthority("EC", undefined, { keyType: "ec" });
const spkiDer = hex(swtpm.endorsementKeys.rsa.spki);

describe("the signature of a certificate", () => {
  it.each(["sha256", "sha384", "sha512"] as const)("with %s is verified as node:crypto verifies it", (hash) => {
    for (const { key } of [rsa, ec]) {
      const der = createCertificate(key, { spkiDer, hash });
      const publicKey = createPublicKey(key);
      expect(new X509Certificate(der).verify(publicKey)).toBe(true);
      expect(isSignedWith(publicKey, signedBytesOf(der))).toBe(true);
      const changed = Buffer.from(der);
      changed.writeUInt8(changed.readUInt8(20) ^ 1, 20);
      expect(isSignedWith(publicKey, signedBytesOf(changed))).toBe(false);
    }
  });

  it("is none with SHA-1, by another key, or by a key of another kind", () => {
    const sha1 = signedBytesOf(createCertificate(rsa.key, { spkiDer, hash: "sha1" }));
    expect([isAcceptedAlgorithm(sha1.signatureAlgorithm), isSignedWith(createPublicKey(rsa.key), sha1)]).toEqual([
      false,
      false,
    ]);
    const signed = signedBytesOf(createCertificate(rsa.key, { spkiDer }));
    for (const other of [createAuthority("Other"), ec]) {
      expect(isSignedWith(createPublicKey(other.key), signed)).toBe(false);
    }
    expect(isSignedWith(createPublicKey(rsa.key), { ...signed, signature: Buffer.alloc(0) })).toBe(false);
  });

  it("is read, or refused with the coded error, wherever a certificate ends", () => {
    const der = createCertificate(ec.key, { spkiDer });
    for (let length = 0; length < der.length; length += 1) {
      expect(() => signedBytesOf(der.subarray(0, length))).toThrow(TpmFormatError);
    }
  });
});
