import { sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { TPMA_OBJECT } from "@rancheros/protocol/tpm";
import type { EccPublicArea, RsaPublicArea, Signature } from "@rancheros/protocol/tpm";
import { verifyAttestationKey } from "../../../src/attestation/index.ts";
import { generateAttestationKey } from "../../../../../test/software-tpm/index.ts";
import type { AttestationMutations } from "../../../../../test/software-tpm/index.ts";
import {
  asEcc,
  asRsa,
  certification,
  creation,
  ecAk,
  flipped,
  madeBy,
  oneMore,
  otherName,
  refusedWith,
  rsaAk,
  rsaSignature,
  withBits,
  without,
} from "./attestation-mutations.ts";

/** Each row changes one thing of an honest record; whatever follows from it is made from the changed value. */
const rows: readonly (readonly [name: string, code: string, mutate: AttestationMutations])[] = [
  ["no public area", "AK_PUBLIC_UNREADABLE", { publicBytes: () => Buffer.alloc(0) }],
  ["a byte after the public area", "AK_PUBLIC_UNREADABLE", { publicBytes: oneMore }],
  [
    "the size before the public area",
    "AK_PUBLIC_UNREADABLE",
    { publicBytes: (bytes) => Buffer.concat([Buffer.from([1, 24]), bytes]) },
  ],
  ["a byte after the creation data", "AK_CREATION_DATA_UNREADABLE", { creationBytes: oneMore }],
  ["no creation data", "AK_CREATION_DATA_UNREADABLE", { creationBytes: () => Buffer.alloc(0) }],
  ["a byte after the attestation", "AK_ATTESTATION_UNREADABLE", { attestBytes: oneMore }],
  ["a cut attestation", "AK_ATTESTATION_UNREADABLE", { attestBytes: (bytes) => bytes.subarray(0, -1) }],
  ["a byte after the signature", "AK_SIGNATURE_UNREADABLE", { signatureBytes: oneMore }],
  ["a signature of seven bytes", "AK_SIGNATURE_UNREADABLE", { signatureBytes: (bytes) => bytes.subarray(0, 7) }],
  ["a signature without algorithm", "AK_SIGNATURE_UNREADABLE", { signatureBytes: () => Buffer.alloc(8) }],
  [
    "an attestation that no TPM made",
    "AK_ATTESTATION_MAGIC",
    { attestBytes: (bytes) => Buffer.concat([Buffer.from("fe544347", "hex"), bytes.subarray(4)]) },
  ],
  ["a certification", "AK_ATTESTATION_TYPE", { attest: certification }],
  [
    "a quote",
    "AK_ATTESTATION_TYPE",
    { attest: (attest) => ({ ...attest, attested: { type: "quote", pcrSelect: [], pcrDigest: Buffer.alloc(32) } }) },
  ],
  [
    "an attestation of the time",
    "AK_ATTESTATION_TYPE",
    { attestBytes: (bytes) => Buffer.concat([bytes.subarray(0, 4), Buffer.from("8019", "hex"), bytes.subarray(6)]) },
  ],
  ["nameAlg SHA-1", "AK_NAME_ALGORITHM", { publicArea: (area) => ({ ...area, nameAlg: "SHA1" }) }],
  ["nameAlg SHA-384", "AK_NAME_ALGORITHM", { publicArea: (area) => ({ ...area, nameAlg: "SHA384" }) }],
  ["fixedTPM clear", "AK_NOT_FIXED_TPM", without(TPMA_OBJECT.FIXED_TPM)],
  ["fixedParent clear", "AK_NOT_FIXED_PARENT", without(TPMA_OBJECT.FIXED_PARENT)],
  ["sensitiveDataOrigin clear", "AK_NOT_MADE_BY_TPM", without(TPMA_OBJECT.SENSITIVE_DATA_ORIGIN)],
  ["restricted clear", "AK_NOT_RESTRICTED", without(TPMA_OBJECT.RESTRICTED)],
  ["sign clear", "AK_NOT_SIGNING", without(TPMA_OBJECT.SIGN_ENCRYPT)],
  ["decrypt set", "AK_DECRYPTS", withBits(TPMA_OBJECT.DECRYPT)],
  ["encryptedDuplication set", "AK_DUPLICABLE", withBits(TPMA_OBJECT.ENCRYPTED_DUPLICATION)],
  ["x509sign set", "AK_SIGNS_X509", withBits(TPMA_OBJECT.X509_SIGN)],
  ["the lowest reserved bit set", "AK_RESERVED_ATTRIBUTES", withBits(1)],
  ["the highest reserved bit set", "AK_RESERVED_ATTRIBUTES", withBits(0x8000_0000)],
  [
    "a symmetric cipher",
    "AK_SYMMETRIC",
    { publicArea: (area) => ({ ...area, symmetric: { algorithm: "AES", keyBits: 128, mode: "CFB" } }) },
  ],
  [
    "data of another creation",
    "AK_CREATION_HASH",
    { attest: (attest) => creation(attest, { creationHash: Buffer.alloc(32) }) },
  ],
  [
    "a creation hash of no bytes",
    "AK_CREATION_HASH",
    { attest: (attest) => creation(attest, { creationHash: Buffer.alloc(0) }) },
  ],
  ["another key's creation", "AK_NAME", { attest: (attest) => creation(attest, { objectName: otherName }) }],
  ["a name of no bytes", "AK_NAME", { attest: (attest) => creation(attest, { objectName: Buffer.alloc(0) }) }],
  [
    "a digest in place of the name",
    "AK_NAME",
    { attest: (attest) => creation(attest, { objectName: rsaAk.name.subarray(2) }) },
  ],
  [
    "qualifying data that nobody asked for",
    "AK_QUALIFYING_DATA",
    { attest: (attest) => ({ ...attest, extraData: Buffer.from([0]) }) },
  ],
  ["a signature over something else", "AK_SIGNATURE", { signature: (signature) => flipped(signature) }],
  ["a signature with SHA-1", "AK_SIGNATURE_SCHEME", { signature: (signature) => ({ ...signature, hash: "SHA1" }) }],
  ["a signature with SHA-512", "AK_SIGNATURE_SCHEME", { signature: (signature) => ({ ...signature, hash: "SHA512" }) }],
];

describe.each([
  ["RSA", rsaAk],
  ["ECC", ecAk],
])("an %s attestation key that is refused", (_type, ak) => {
  it("is believed when nothing is changed", () => {
    expect(verifyAttestationKey(madeBy(ak)).name.equals(ak.name)).toBe(true);
  });

  it.each(rows)("%s", (_case, code, mutate) => {
    expect(() => verifyAttestationKey(madeBy(ak, mutate))).toThrow(refusedWith(code));
  });
});

describe("an RSA attestation key that is refused", () => {
  const modulus = asRsa(rsaAk.publicArea).modulus;
  const even = Buffer.from(modulus);
  even[255] = (even[255] ?? 0) & 0xfe;
  const halved = Buffer.from(modulus);
  halved[0] = (halved[0] ?? 0) & 0x7f;

  it.each<readonly [string, string, Partial<RsaPublicArea>]>([
    ["RSA-1024", "AK_TOO_SHORT", { keyBits: 1024, modulus: modulus.subarray(0, 128) }],
    ["no scheme", "AK_SCHEME", { scheme: { scheme: "NULL" } }],
    ["RSASSA with SHA-1", "AK_SCHEME", { scheme: { scheme: "RSASSA", hash: "SHA1" } }],
    ["RSAPSS", "AK_SCHEME", { scheme: { scheme: "RSAPSS", hash: "SHA256" } }],
    ["an encryption scheme", "AK_SCHEME", { scheme: { scheme: "OAEP", hash: "SHA256" } }],
    ["exponent 3", "AK_EXPONENT", { exponent: 3 }],
    ["exponent 1", "AK_EXPONENT", { exponent: 1 }],
    ["an even modulus", "AK_MODULUS", { modulus: even }],
    ["a modulus with a leading zero bit", "AK_MODULUS", { modulus: halved }],
    ["a modulus of 255 bytes", "AK_MODULUS", { modulus: modulus.subarray(0, 255) }],
    ["no modulus", "AK_MODULUS", { modulus: Buffer.alloc(0) }],
    [
      "another modulus",
      "AK_SIGNATURE",
      { modulus: Buffer.concat([modulus.subarray(0, 255), Buffer.from([(modulus[255] ?? 0) ^ 2])]) },
    ],
  ])("%s", (_case, code, change) => {
    const sent = madeBy(rsaAk, { publicArea: (area) => ({ ...asRsa(area), ...change }) });
    expect(() => verifyAttestationKey(sent)).toThrow(refusedWith(code));
  });

  it("signed with RSAPSS in place of RSASSA", () => {
    const sent = madeBy(rsaAk, { signature: (signature) => ({ ...signature, scheme: "RSAPSS" }) as Signature });
    expect(() => verifyAttestationKey(sent)).toThrow(refusedWith("AK_SIGNATURE_SCHEME"));
  });

  it("signed by another key", () => {
    const other = generateAttestationKey("rsa");
    const sent = { ...madeBy(rsaAk) };
    const signature = rsaSignature(sign("sha256", sent.createAttestation, other.privateKey));
    expect(() => verifyAttestationKey({ ...sent, createSignature: signature })).toThrow(refusedWith("AK_SIGNATURE"));
  });

  // go-attestation v0.3.2 took the algorithm from the signature and fell over a nil half of its union (BUG 511889618).
  it("with an ECDSA signature", () => {
    const sent = { ...madeBy(rsaAk), createSignature: madeBy(ecAk).createSignature };
    expect(() => verifyAttestationKey(sent)).toThrow(refusedWith("AK_SIGNATURE_SCHEME"));
  });

  it.each([1, 255, 257, 512])("with a signature of %d bytes", (lengthBytes) => {
    const sent = { ...madeBy(rsaAk), createSignature: rsaSignature(Buffer.alloc(lengthBytes, 1)) };
    expect(() => verifyAttestationKey(sent)).toThrow(refusedWith("AK_SIGNATURE"));
  });
});

describe("an ECC attestation key that is refused", () => {
  const area = asEcc(ecAk.publicArea);

  it.each<readonly [string, string, Partial<EccPublicArea>]>([
    ["P-384", "AK_KEY_TYPE", { curve: "NIST_P384" }],
    ["no scheme", "AK_SCHEME", { scheme: { scheme: "NULL" } }],
    ["ECDSA with SHA-1", "AK_SCHEME", { scheme: { scheme: "ECDSA", hash: "SHA1" } }],
    ["ECDH", "AK_SCHEME", { scheme: { scheme: "ECDH", hash: "SHA256" } }],
    ["a key derivation", "AK_SCHEME", { kdf: { scheme: "MGF1", hash: "SHA256" } }],
    ["a point off the curve", "AK_POINT", { y: area.x }],
    ["the point (0, 0)", "AK_POINT", { x: Buffer.alloc(32), y: Buffer.alloc(32) }],
    ["no point", "AK_POINT", { x: Buffer.alloc(0), y: Buffer.alloc(0) }],
  ])("%s", (_case, code, change) => {
    const sent = madeBy(ecAk, { publicArea: (honest) => ({ ...asEcc(honest), ...change }) });
    expect(() => verifyAttestationKey(sent)).toThrow(refusedWith(code));
  });

  it("with an RSA signature", () => {
    const sent = { ...madeBy(ecAk), createSignature: madeBy(rsaAk).createSignature };
    expect(() => verifyAttestationKey(sent)).toThrow(refusedWith("AK_SIGNATURE_SCHEME"));
  });

  it.each<readonly [string, (signature: Signature) => Signature]>([
    [
      "numbers of one",
      (signature) => ({ scheme: "ECDSA", hash: signature.hash, r: Buffer.from([1]), s: Buffer.from([1]) }),
    ],
    [
      "numbers of zero",
      (signature) => ({ scheme: "ECDSA", hash: signature.hash, r: Buffer.alloc(32), s: Buffer.alloc(32) }),
    ],
    [
      "numbers of 66 bytes",
      (signature) => ({ scheme: "ECDSA", hash: signature.hash, r: Buffer.alloc(66, 1), s: Buffer.alloc(66, 1) }),
    ],
    [
      "the two numbers shifted against each other",
      (signature) =>
        signature.scheme === "ECDSA"
          ? { ...signature, r: Buffer.concat([signature.r, signature.s.subarray(0, 1)]), s: signature.s.subarray(1) }
          : signature,
    ],
  ])("with %s", (_case, signature) => {
    expect(() => verifyAttestationKey(madeBy(ecAk, { signature }))).toThrow(refusedWith("AK_SIGNATURE"));
  });
});
