import { createECDH, createHash, createPrivateKey, privateDecrypt, randomBytes } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeChallenge } from "@rancheros/protocol/messages";
import { ByteReader, unwrapTpm2b } from "@rancheros/protocol/tpm";
import { checkChallengeAnswer, makeCredential, verifyEndorsementKey } from "../../../src/attestation/index.ts";
import { protectIdentity } from "../../../src/attestation/credential.ts";
import { kdfe } from "../../../src/attestation/key-derivation.ts";
import { createSoftwareTpm, generateAttestationKey } from "../../../../../test/software-tpm/index.ts";
import { hex, swtpm } from "./swtpm-vectors.ts";

const { credentials } = swtpm;
const akName = hex(credentials.akName);
const secret = hex(credentials.secret);
const RSA_PKCS1_OAEP_PADDING = 4;

const ak = generateAttestationKey("rsa");
const rsaTpm = createSoftwareTpm({ ak });
const ecTpm = createSoftwareTpm({ ak, ekType: "ec" });

function ekOf(spkiDer: Buffer): ReturnType<typeof verifyEndorsementKey> {
  return verifyEndorsementKey({ type: "public-key", spkiDer });
}

/** Opens with the private key what a TPM wrapped, by node:crypto and the other KDFe route. */
function seedOfTpm2MakeCredential(kind: "rsa" | "ecc"): Buffer {
  const vector = credentials[kind];
  const wrapped = unwrapTpm2b(hex(vector.encryptedSecret), "TPM2B_ENCRYPTED_SECRET");
  const key = createPrivateKey({ key: hex(vector.privateKeyPkcs8), format: "der", type: "pkcs8" });
  if (kind === "rsa") {
    const oaepLabel = Buffer.from("IDENTITY\0");
    return privateDecrypt({ key, padding: RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256", oaepLabel }, wrapped);
  }
  const reader = new ByteReader(wrapped, "TPMS_ECC_POINT");
  const x = reader.readSized({ maxBytes: 32 }, "x");
  const y = reader.readSized({ maxBytes: 32 }, "y");
  const ecdh = createECDH("prime256v1");
  ecdh.setPrivateKey(Buffer.from(key.export({ format: "jwk" }).d ?? "", "base64url"));
  const shared = ecdh.computeSecret(Buffer.concat([Buffer.from([4]), x, y]));
  return kdfe(shared, "IDENTITY", x, ecdh.getPublicKey().subarray(1, 33), 32);
}

describe("a credential that a TPM made with TPM2_MakeCredential (testdata/swtpm.json)", () => {
  it.each(["rsa", "ecc"] as const)("for an %s key is made byte for byte from the same seed", (kind) => {
    const seed = seedOfTpm2MakeCredential(kind);
    const blob = unwrapTpm2b(hex(credentials[kind].credentialBlob), "TPM2B_ID_OBJECT");
    expect(protectIdentity(seed, akName, secret).toString("hex")).toBe(blob.toString("hex"));
  });
});

describe("makeCredential", () => {
  it.each([
    ["RSA", rsaTpm, 258],
    ["ECC", ecTpm, 70],
  ])("for an %s key is opened by that TPM, with sizes in front", (_type, tpm, encryptedSecretBytes) => {
    const made = makeCredential({ ek: ekOf(tpm.ekSpkiDer), akName: tpm.akName, secret, randomBytes });
    expect(made.credentialBlob).toHaveLength(70);
    expect(made.credentialBlob.subarray(0, 4).toString("hex")).toBe("00440020");
    expect(made.encryptedSecret).toHaveLength(encryptedSecretBytes);
    expect(tpm.activateCredential(made.credentialBlob, made.encryptedSecret).equals(secret)).toBe(true);
    expect(encodeChallenge(made).length).toBeLessThanOrEqual(512);
  });

  it("takes seed and ephemeral key from the randomness it is given", () => {
    const zeros = (sizeBytes: number): Buffer => Buffer.alloc(sizeBytes, 1);
    const request = { akName, secret, randomBytes: zeros };
    const rsa = [1, 2].map(() => makeCredential({ ...request, ek: ekOf(rsaTpm.ekSpkiDer) }));
    const ecc = [1, 2].map(() => makeCredential({ ...request, ek: ekOf(ecTpm.ekSpkiDer) }));
    expect(rsa[0]?.credentialBlob).toEqual(rsa[1]?.credentialBlob);
    expect(rsa[0]?.encryptedSecret).not.toEqual(rsa[1]?.encryptedSecret);
    expect(ecc[0]).toEqual(ecc[1]);
    expect(rsa[0]?.credentialBlob.subarray(2)).toEqual(protectIdentity(zeros(16), akName, secret));
  });

  it("is opened for no other name", () => {
    const otherName = Buffer.concat([Buffer.from("000b", "hex"), createHash("sha256").update("other").digest()]);
    const made = makeCredential({ ek: ekOf(rsaTpm.ekSpkiDer), akName: otherName, secret, randomBytes });
    expect(() => rsaTpm.activateCredential(made.credentialBlob, made.encryptedSecret)).toThrow("integrity");
  });

  it("is opened by no other TPM", () => {
    const other = createSoftwareTpm({ ak });
    const made = makeCredential({ ek: ekOf(rsaTpm.ekSpkiDer), akName: ak.name, secret, randomBytes });
    expect(() => other.activateCredential(made.credentialBlob, made.encryptedSecret)).toThrow(/./);
  });

  it("is opened only unchanged", () => {
    const made = makeCredential({ ek: ekOf(ecTpm.ekSpkiDer), akName: ak.name, secret, randomBytes });
    fc.assert(
      fc.property(fc.nat(made.credentialBlob.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(made.credentialBlob);
        changed.writeUInt8(changed.readUInt8(at) ^ flip, at);
        expect(() => ecTpm.activateCredential(changed, made.encryptedSecret)).toThrow(/./);
      }),
    );
  });

  it("carries any secret of 1 to 32 bytes", () => {
    const ek = ekOf(ecTpm.ekSpkiDer);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 32 }), (bytes) => {
        const made = makeCredential({ ek, akName: ak.name, secret: bytes, randomBytes });
        expect(ecTpm.activateCredential(made.credentialBlob, made.encryptedSecret)).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 32 },
    );
  });

  const rsaEk = ekOf(rsaTpm.ekSpkiDer);
  const ecEk = ekOf(ecTpm.ekSpkiDer);
  const honest = { ek: rsaEk, akName, secret, randomBytes };

  it.each([
    ["an empty secret", { ...honest, secret: Buffer.alloc(0) }, "secret"],
    ["a secret of 33 bytes", { ...honest, secret: Buffer.alloc(33) }, "secret"],
    ["a digest without its algorithm for a name", { ...honest, akName: akName.subarray(2) }, "akName"],
    ["a SHA-384 name", { ...honest, akName: Buffer.alloc(50) }, "akName"],
    ["too little randomness", { ...honest, randomBytes: () => Buffer.alloc(8) }, "randomness"],
    ["too little randomness for ECC", { ...honest, ek: ecEk, randomBytes: () => Buffer.alloc(16) }, "randomness"],
  ])("refuses %s", (_case, request, what) => {
    const details: unknown = expect.objectContaining({ what });
    expect(() => makeCredential(request)).toThrow(
      expect.objectContaining({ code: "CREDENTIAL_ARGUMENT", failure: "internal", details }),
    );
  });

  it("asks again for an ephemeral key outside the group, and gives up on broken randomness", () => {
    const answers = [Buffer.alloc(32), Buffer.alloc(32, 0xff), Buffer.alloc(32, 7)];
    const made = makeCredential({
      ...honest,
      ek: ecEk,
      akName: ak.name,
      randomBytes: () => answers.shift() ?? Buffer.alloc(0),
    });
    expect(ecTpm.activateCredential(made.credentialBlob, made.encryptedSecret).equals(secret)).toBe(true);
    expect(() => makeCredential({ ...honest, ek: ecEk, randomBytes: () => Buffer.alloc(32) })).toThrow(
      expect.objectContaining({ code: "CREDENTIAL_ARGUMENT" }),
    );
  });
});

describe("checkChallengeAnswer", () => {
  it("takes the secret and nothing else", () => {
    expect(checkChallengeAnswer(secret, Buffer.from(secret))).toBe(true);
    expect(checkChallengeAnswer(secret, secret.subarray(1))).toBe(false);
    expect(checkChallengeAnswer(secret, Buffer.concat([secret, Buffer.alloc(1)]))).toBe(false);
    expect(checkChallengeAnswer(secret, Buffer.alloc(0))).toBe(false);
    expect(checkChallengeAnswer(secret, Buffer.alloc(secret.length))).toBe(false);
  });

  it("looks at every bit", () => {
    const accepted = Array.from({ length: secret.length * 8 }, (_, bit) => {
      const changed = Buffer.from(secret);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      return changed;
    }).filter((answer) => checkChallengeAnswer(secret, answer));
    expect(accepted).toEqual([]);
  });
});
