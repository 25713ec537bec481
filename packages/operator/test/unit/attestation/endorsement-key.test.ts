import { generateKeyPairSync } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ekHash, encodeSubjectPublicKey } from "@rancheros/protocol/tpm";
import type { EndorsementKey } from "@rancheros/protocol/messages";
import { AttestationError, verifyEndorsementKey } from "../../../src/attestation/index.ts";
import {
  createEkCertificate,
  createSoftwareTpm,
  generateAttestationKey,
  withRsaesOaep,
  ROCA_PRODUCT,
  rocaModulus,
} from "../../../../../test/software-tpm/index.ts";
import { refusedWith } from "./attestation-mutations.ts";
import { hex, swtpm } from "./swtpm-vectors.ts";

const rsaSpki = hex(swtpm.endorsementKeys.rsa.spki);
const eccSpki = hex(swtpm.endorsementKeys.ecc.spki);
const certificateDer = hex(swtpm.endorsementCertificate);
const caKey = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;

function bare(spkiDer: Buffer): EndorsementKey {
  return { type: "public-key", spkiDer };
}

function rsa(modulus: Buffer, exponent = 65537): EndorsementKey {
  return bare(encodeSubjectPublicKey({ type: "rsa", bits: modulus.length * 8, modulus, exponent }));
}

/** An odd number of this many bits that is no honest modulus, but looks like one. */
function oddModulus(bits: number): Buffer {
  return Buffer.alloc(bits / 8, 0xa5);
}

describe("an endorsement key that is believed", () => {
  it.each([
    ["RSA-2048 of a TPM", bare(rsaSpki), ekHash(rsaSpki)],
    ["P-256 of a TPM", bare(eccSpki), ekHash(eccSpki)],
    ["RSA-2048 with id-RSAES-OAEP", bare(withRsaesOaep(rsaSpki)), ekHash(rsaSpki)],
    ["the certificate of a TPM", { type: "certificate" as const, certificateDer }, ekHash(rsaSpki)],
  ])("%s has the hash of its canonical form", (_case, ek, hash) => {
    const verified = verifyEndorsementKey(ek);
    expect(verified.hash).toBe(hash);
    expect(ekHash(verified.spkiDer)).toBe(hash);
    expect(ekHash(verified.keyObject.export({ format: "der", type: "spki" }))).toBe(hash);
  });

  it("is a certificate's whose serial number begins with zeros, as Nuvoton's", () => {
    const padded = createEkCertificate({ spkiDer: rsaSpki, caKey, serialNumber: hex("000007") });
    const verified = verifyEndorsementKey({ type: "certificate", certificateDer: padded });
    expect(verified.hash).toBe(ekHash(rsaSpki));
    expect(verified.certificate?.der.equals(padded)).toBe(true);
  });

  it("keeps the certificate for policy, and none if there was none", () => {
    expect(verifyEndorsementKey({ type: "certificate", certificateDer }).certificate?.issuer).toBe("CN=swtpm-localca");
    expect(verifyEndorsementKey(bare(rsaSpki)).certificate).toBeUndefined();
  });

  it("is the certificate's key whatever follows the certificate", () => {
    const followed = Buffer.concat([certificateDer, Buffer.alloc(500, 0xff)]);
    const verified = verifyEndorsementKey({ type: "certificate", certificateDer: followed });
    expect(verified.hash).toBe(ekHash(rsaSpki));
    expect(verified.certificate?.trailingBytes).toBe(500);
  });
});

describe("an endorsement key that is refused", () => {
  const { publicKey: p384 } = generateKeyPairSync("ec", { namedCurve: "P-384" });
  const p384Spki = p384.export({ format: "der", type: "spki" });
  const offCurve = Buffer.from(eccSpki);
  offCurve.writeUInt8(offCurve.readUInt8(90) ^ 1, 90);
  const evenModulus = oddModulus(2048);
  evenModulus[255] = 0xa4;
  const shortModulus = oddModulus(2048);
  shortModulus[0] = 0x7f;

  it.each([
    ["RSA-1024", rsa(oddModulus(1024)), "EK_TOO_SHORT"],
    ["RSA-1024 of a whole software TPM", bare(createSoftwareTpm({ ekRsaBits: 1024 }).ekSpkiDer), "EK_TOO_SHORT"],
    ["RSA with 2047 bits", rsa(shortModulus), "EK_TOO_SHORT"],
    ["RSA-3072", rsa(oddModulus(3072)), "EK_SIZE_UNSUPPORTED"],
    ["RSA-4096", rsa(oddModulus(4096)), "EK_SIZE_UNSUPPORTED"],
    ["exponent 3", rsa(oddModulus(2048), 3), "EK_EXPONENT"],
    ["exponent 1", rsa(oddModulus(2048), 1), "EK_EXPONENT"],
    ["exponent 65539", rsa(oddModulus(2048), 65539), "EK_EXPONENT"],
    ["an even modulus", rsa(evenModulus), "EK_MODULUS"],
    ["a point off the curve", bare(offCurve), "EK_POINT"],
    ["the point (0, 0)", bare(Buffer.concat([eccSpki.subarray(0, 27), Buffer.alloc(64)])), "EK_POINT"],
    ["P-384", bare(p384Spki), "EK_KEY_TYPE"],
    ["P-384 in a certificate", certificate(p384Spki), "EK_KEY_TYPE"],
    ["RSA-1024 in a certificate", certificate(spkiOf(oddModulus(1024))), "EK_TOO_SHORT"],
    ["no bytes", bare(Buffer.alloc(0)), "EK_UNREADABLE"],
    ["a certificate called key", bare(certificateDer), "EK_UNREADABLE"],
    [
      "a key called certificate",
      { type: "certificate" as const, certificateDer: rsaSpki },
      "EK_CERTIFICATE_UNREADABLE",
    ],
    [
      "erased flash",
      { type: "certificate" as const, certificateDer: Buffer.alloc(900, 0xff) },
      "EK_CERTIFICATE_UNREADABLE",
    ],
  ])("%s", (_case, ek, code) => {
    expect(() => verifyEndorsementKey(ek)).toThrow(refusedWith(code));
  });

  it("of 3072 bits only where the policy takes it, and no other size then", () => {
    const policy = { acceptRsa3072: true };
    expect(verifyEndorsementKey(rsa(oddModulus(3072)), policy).publicKey).toMatchObject({ bits: 3072 });
    expect(verifyEndorsementKey(bare(rsaSpki), policy).publicKey).toMatchObject({ bits: 2048 });
    expect(() => verifyEndorsementKey(rsa(oddModulus(1024)), policy)).toThrow(refusedWith("EK_TOO_SHORT"));
    for (const bits of [2056, 3064, 3080, 4096]) {
      expect(() => verifyEndorsementKey(rsa(oddModulus(bits)), policy)).toThrow(refusedWith("EK_SIZE_UNSUPPORTED"));
    }
    const even = oddModulus(3072);
    even[383] = 0xa4;
    expect(() => verifyEndorsementKey(rsa(even), policy)).toThrow(refusedWith("EK_MODULUS"));
    expect(() => verifyEndorsementKey(rsa(oddModulus(3072), 3), policy)).toThrow(refusedWith("EK_EXPONENT"));
  });

  it("one whose private half is published", () => {
    const hash = ekHash(hex(swtpm.credentials.rsa.spki));
    const knownWeakHashes = new Set([hash]);
    const ek = bare(hex(swtpm.credentials.rsa.spki));
    expect(verifyEndorsementKey(ek).hash).toBe(hash);
    expect(() => verifyEndorsementKey(ek, { knownWeakHashes })).toThrow(refusedWith("EK_KNOWN_WEAK"));
    expect(verifyEndorsementKey(bare(rsaSpki), { knownWeakHashes }).hash).toBe(ekHash(rsaSpki));
  });

  it("one that is not the certificate's", () => {
    const ek: EndorsementKey = { type: "certificate", certificateDer };
    expect(verifyEndorsementKey(ek, { expectedSpkiDer: withRsaesOaep(rsaSpki) }).hash).toBe(ekHash(rsaSpki));
    expect(() => verifyEndorsementKey(ek, { expectedSpkiDer: hex(swtpm.credentials.rsa.spki) })).toThrow(
      refusedWith("EK_CERTIFICATE_KEY_MISMATCH"),
    );
    expect(() => verifyEndorsementKey(ek, { expectedSpkiDer: Buffer.alloc(3) })).toThrow(refusedWith("EK_UNREADABLE"));
  });

  function certificate(spkiDer: Buffer): EndorsementKey {
    return { type: "certificate", certificateDer: createEkCertificate({ spkiDer, caKey }) };
  }

  function spkiOf(modulus: Buffer): Buffer {
    return encodeSubjectPublicKey({ type: "rsa", bits: modulus.length * 8, modulus, exponent: 65537 });
  }
});

describe("the fingerprint of CVE-2017-15361", () => {
  it.each([0, 1, 2, 1000, 54321])("is found: 65537 to the power of %d", (power) => {
    expect(() => verifyEndorsementKey(rsa(rocaModulus(power)))).toThrow(refusedWith("EK_ROCA"));
  });

  it("is let in where the fleet's owner says so", () => {
    expect(verifyEndorsementKey(rsa(rocaModulus(7)), { acceptRoca: true }).publicKey.type).toBe("rsa");
  });

  it("is not seen in honest keys", () => {
    const ak = generateAttestationKey("ec");
    const hashes = Array.from(
      { length: 10 },
      () => verifyEndorsementKey(bare(createSoftwareTpm({ ak }).ekSpkiDer)).hash,
    );
    expect(new Set(hashes).size).toBe(10);
  });

  it("is lost with a single prime", () => {
    const power = hex((BigInt(`0x${rocaModulus(3).toString("hex")}`) + 2n * (ROCA_PRODUCT / 11n)).toString(16));
    expect(verifyEndorsementKey(rsa(power)).publicKey.type).toBe("rsa");
  });
});

describe("any endorsement key", () => {
  it("is believed or refused with the coded error", () => {
    const mutated = fc
      .tuple(
        fc.constantFrom(rsaSpki, eccSpki, certificateDer),
        fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { maxLength: 3 }),
      )
      .map(([vector, changes]) => {
        const copy = Buffer.from(vector);
        for (const [at, value] of changes) {
          copy[at % copy.length] = value;
        }
        return copy;
      });
    const any = fc.oneof(
      mutated,
      fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
    );
    fc.assert(
      fc.property(any, fc.boolean(), (bytes, asCertificate) => {
        const ek: EndorsementKey = asCertificate ? { type: "certificate", certificateDer: bytes } : bare(bytes);
        let outcome: unknown;
        try {
          outcome = verifyEndorsementKey(ek).hash.length;
        } catch (error) {
          outcome = error instanceof AttestationError && error.code.startsWith("EK_") ? "refused" : error;
        }
        expect([64, "refused"]).toContain(outcome);
      }),
      { numRuns: 600 },
    );
  });
});
