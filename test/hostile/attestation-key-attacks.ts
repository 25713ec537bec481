/** Attestation keys of which one thing is wrong; all that follows is made from the changed value, and signed anew. */
import { TPMA_OBJECT, type Attest, type PublicArea, type RsaPublicArea, type Signature } from "@rancheros/protocol/tpm";
import { generateAttestationKey, createSoftwareTpm, type AttestationMutations } from "../software-tpm/index.ts";
import type { Attack } from "./attack.ts";
import { newTpm, show } from "./say.ts";

function rsa(change: (area: RsaPublicArea) => Partial<RsaPublicArea>): AttestationMutations {
  return { publicArea: (area) => (area.type === "RSA" ? { ...area, ...change(area) } : area) };
}

function bits(set: number, clear = 0): AttestationMutations {
  return {
    publicArea: (area): PublicArea => ({ ...area, objectAttributes: ((area.objectAttributes | set) & ~clear) >>> 0 }),
  };
}

function creation(change: { readonly objectName?: Buffer; readonly creationHash?: Buffer }): AttestationMutations {
  return {
    attest: (attest): Attest =>
      attest.attested.type === "creation" ? { ...attest, attested: { ...attest.attested, ...change } } : attest,
  };
}

const oneMore = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(1)]);
const flip = (bytes: Buffer, at: number): Buffer =>
  Buffer.from(bytes.map((byte, index) => (index === at ? byte ^ 1 : byte)));
const otherName = Buffer.concat([Buffer.from("000b", "hex"), Buffer.alloc(32, 7)]);

/** Numbered as the checks of the reference are. */
export const ATTESTATION_KEY_ROWS: readonly (readonly [what: string, reason: string, mutate: AttestationMutations])[] =
  [
    ["1 a signature of seven bytes", "AK_SIGNATURE_UNREADABLE", { signatureBytes: (bytes) => bytes.subarray(0, 7) }],
    ["1 no public area", "AK_PUBLIC_UNREADABLE", { publicBytes: () => Buffer.from([0]) }],
    ["2 a record that no TPM made", "AK_ATTESTATION_MAGIC", { attestBytes: (bytes) => flip(bytes, 0) }],
    [
      "2 a certification in place of a creation",
      "AK_ATTESTATION_TYPE",
      { attest: (attest) => ({ ...attest, attested: { type: "certify", name: otherName, qualifiedName: otherName } }) },
    ],
    ["3 RSA-1024", "AK_TOO_SHORT", rsa((area) => ({ keyBits: 1024, modulus: area.modulus.subarray(0, 128) }))],
    ["4 data of another creation", "AK_CREATION_HASH", creation({ creationHash: Buffer.alloc(32) })],
    ["5 fixedTPM clear", "AK_NOT_FIXED_TPM", bits(0, TPMA_OBJECT.FIXED_TPM)],
    ["5 fixedParent clear", "AK_NOT_FIXED_PARENT", bits(0, TPMA_OBJECT.FIXED_PARENT)],
    ["5 sensitiveDataOrigin clear", "AK_NOT_MADE_BY_TPM", bits(0, TPMA_OBJECT.SENSITIVE_DATA_ORIGIN)],
    ["5 restricted clear", "AK_NOT_RESTRICTED", bits(0, TPMA_OBJECT.RESTRICTED)],
    ["6 another key's name", "AK_NAME", creation({ objectName: otherName })],
    [
      "7 a signature over something else",
      "AK_SIGNATURE",
      {
        signature: (signature): Signature =>
          signature.scheme === "ECDSA" ? signature : { ...signature, signature: flip(signature.signature, 20) },
      },
    ],
    ["8 sign clear", "AK_NOT_SIGNING", bits(0, TPMA_OBJECT.SIGN_ENCRYPT)],
    ["8 decrypt set", "AK_DECRYPTS", bits(TPMA_OBJECT.DECRYPT)],
    ["9 no scheme", "AK_SCHEME", rsa(() => ({ scheme: { scheme: "NULL" } }))],
    ["9 RSASSA with SHA-1", "AK_SCHEME", rsa(() => ({ scheme: { scheme: "RSASSA", hash: "SHA1" } }))],
    ["9 nameAlg SHA-1", "AK_NAME_ALGORITHM", { publicArea: (area) => ({ ...area, nameAlg: "SHA1" }) }],
    [
      "9 a symmetric cipher",
      "AK_SYMMETRIC",
      rsa(() => ({ symmetric: { algorithm: "AES", keyBits: 128, mode: "CFB" } })),
    ],
    ["9 exponent 3", "AK_EXPONENT", rsa(() => ({ exponent: 3 }))],
    ["9 an even modulus", "AK_MODULUS", rsa((area) => ({ modulus: flip(area.modulus, area.modulus.length - 1) }))],
    ["9 a signature with SHA-1", "AK_SIGNATURE_SCHEME", { signature: (signature) => ({ ...signature, hash: "SHA1" }) }],
    ["10 a byte after the public area", "AK_PUBLIC_UNREADABLE", { publicBytes: oneMore }],
    ["10 a byte after the creation data", "AK_CREATION_DATA_UNREADABLE", { creationBytes: oneMore }],
    ["10 a byte after the attestation", "AK_ATTESTATION_UNREADABLE", { attestBytes: oneMore }],
    ["10 a byte after the signature", "AK_SIGNATURE_UNREADABLE", { signatureBytes: oneMore }],
  ];

export const ATTESTATION_KEY_ATTACKS: readonly Attack[] = [
  ...ATTESTATION_KEY_ROWS.map(([what, reason, mutate]): Attack => ({
    line: "ak",
    what,
    reason,
    told: { via: "http", code: 401, text: /attestation|key|signature|creation|not readable: TPM/i },
    run: async (scene) => show(scene, newTpm(scene), { mutate }),
  })),
  {
    line: "ak",
    what: "3 a key on P-384",
    reason: "AK_KEY_TYPE",
    told: { via: "http", code: 401, text: /key/ },
    run: async (scene) => {
      const tpm = createSoftwareTpm({ ak: generateAttestationKey("ec") });
      const publicArea = (area: PublicArea): PublicArea =>
        area.type === "ECC" ? { ...area, curve: "NIST_P384" } : area;
      return show(scene, tpm, { mutate: { publicArea } });
    },
  },
];
