import { generateKeyPairSync, sign } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { objectName } from "@rancheros/protocol/tpm";
import type { PublicArea, RsaPublicArea } from "@rancheros/protocol/tpm";
import { AttestationError, verifyAttestationKey } from "../../../src/attestation/index.ts";
import { asRsa, ecAk, madeBy, refusedWith, rsaAk, rsaSignature } from "./attestation-mutations.ts";
import { attestationKeyVector, swtpm } from "./swtpm-vectors.ts";

const noQualifyingData = Buffer.alloc(0);

describe("an attestation key that is believed", () => {
  it.each([
    ["rsaChildOfStorageRoot", undefined],
    ["rsaPrimaryWithQualifyingData", Buffer.from("00112233445566778899aabbccddeeff", "hex")],
    ["eccPrimary", undefined],
  ] as const)("%s of a TPM (testdata/swtpm.json)", (name, qualifyingData) => {
    const verified = verifyAttestationKey(
      attestationKeyVector(name),
      qualifyingData === undefined ? {} : { qualifyingData },
    );
    expect(verified.name.toString("hex")).toBe(swtpm.attestationKeys[name].name);
    expect(verified.clockInfo.safe).toBe(true);
    expect(verified.qualifiedSigner).toHaveLength(34);
    expect(verified.firmwareVersion).toBeGreaterThan(0n);
  });

  // In the shape of real hardware (Infineon, Google): noDA, and a policy that lets an administrator in.
  it.each([
    ["with noDA and a policy", 0x0005_0472, Buffer.alloc(32, 0x9d)],
    ["with noDA", 0x0005_0472, Buffer.alloc(0)],
    ["with a policy", 0x0005_0072, Buffer.alloc(32, 0x9d)],
    ["with adminWithPolicy in place of userWithAuth", 0x0005_00b2, Buffer.alloc(32, 0x9d)],
    ["tied to its firmware", 0x0005_0172, Buffer.alloc(0)],
    ["gone after the next TPM reset", 0x0005_0076, Buffer.alloc(0)],
  ])("%s", (_case, objectAttributes, authPolicy) => {
    const publicArea = (area: PublicArea): PublicArea => ({ ...area, objectAttributes, authPolicy });
    for (const ak of [rsaAk, ecAk]) {
      const sent = madeBy(ak, { publicArea });
      const verified = verifyAttestationKey(sent);
      expect(verified.publicArea).toMatchObject({ objectAttributes, authPolicy });
      expect(verified.name.equals(objectName(sent.public))).toBe(true);
    }
  });

  it("with exponent 65537 written out", () => {
    const verified = verifyAttestationKey(
      madeBy(rsaAk, { publicArea: (area) => ({ ...asRsa(area), exponent: 65537 }) }),
    );
    expect(verified.publicArea).toMatchObject({ exponent: 65537 });
  });

  it("of RSA-3072", () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 3072 });
    const area: RsaPublicArea = {
      ...asRsa(rsaAk.publicArea),
      keyBits: 3072,
      modulus: Buffer.from(privateKey.export({ format: "jwk" }).n ?? "", "base64url"),
    };
    const sent = madeBy(rsaAk, {
      publicArea: () => area,
      attestBytes: (bytes) => bytes,
      signature: (signature) => signature,
    });
    const signed = { ...sent, createSignature: rsaSignature(sign("sha256", sent.createAttestation, privateKey)) };
    expect(verifyAttestationKey(signed).publicArea).toMatchObject({ keyBits: 3072 });
  });

  it("with an ECDSA number whose leading zeros are left out", () => {
    // Signs until a number begins with a zero: one in 128 does.
    for (let attempt = 0; attempt < 5000; attempt += 1) {
      let shortened = false;
      const sent = madeBy(ecAk, {
        signature: (signature) => {
          shortened = signature.scheme === "ECDSA" && signature.r[0] === 0;
          return signature.scheme === "ECDSA" && shortened ? { ...signature, r: signature.r.subarray(1) } : signature;
        },
      });
      if (shortened) {
        expect(sent.createSignature).toHaveLength(71);
        expect(verifyAttestationKey(sent).name).toEqual(ecAk.name);
        return;
      }
    }
    expect.unreachable("no signature with a leading zero in 5,000");
  });
});

describe("qualifying data", () => {
  const nonce = Buffer.from("a nonce and the hash of a TLS key");

  it.each([
    ["is what was asked for", nonce, nonce, true],
    ["is missing", noQualifyingData, nonce, false],
    ["is of another conversation", Buffer.from("another nonce"), nonce, false],
    ["is longer", Buffer.concat([nonce, Buffer.alloc(1)]), nonce, false],
    ["was not asked for", nonce, noQualifyingData, false],
  ])("%s", (_case, sent, qualifyingData, believed) => {
    const verify = (): unknown => verifyAttestationKey(rsaAk.certifyCreation(sent, {}), { qualifyingData }).name;
    if (believed) {
      expect(verify()).toEqual(rsaAk.name);
    } else {
      expect(verify).toThrow(refusedWith("AK_QUALIFYING_DATA"));
    }
  });
});

describe("any attestation key", () => {
  it("is refused with the coded error as soon as one byte is changed", () => {
    const vectors = [attestationKeyVector("rsaChildOfStorageRoot"), attestationKeyVector("eccPrimary")];
    const part = fc.constantFrom(
      "public" as const,
      "createData" as const,
      "createAttestation" as const,
      "createSignature" as const,
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...vectors),
        part,
        fc.nat(2000),
        fc.integer({ min: 1, max: 255 }),
        (vector, name, at, flip) => {
          const bytes = Buffer.from(vector[name]);
          bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ flip;
          let outcome: unknown = "believed";
          try {
            verifyAttestationKey({ ...vector, [name]: bytes });
          } catch (error) {
            outcome = error instanceof AttestationError && error.code.startsWith("AK_") ? "refused" : error;
          }
          expect(outcome).toBe("refused");
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("of random bytes is refused with the coded error", () => {
    const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
    const any = fc.record({ public: bytes, createData: bytes, createAttestation: bytes, createSignature: bytes });
    fc.assert(
      fc.property(any, (parameters) => {
        expect(() => verifyAttestationKey(parameters)).toThrow(AttestationError);
      }),
    );
  });
});
