/** Ways to spoil the birth record of an attestation key, and the keys that the tests spoil. */
import type { AttestationKeyParameters } from "@rancheros/protocol/messages";
import type { Attest, EccPublicArea, PublicArea, RsaPublicArea, Signature } from "@rancheros/protocol/tpm";
import { expect } from "vitest";
import { generateAttestationKey } from "../../../../../test/software-tpm/index.ts";
import type { AttestationMutations, SoftwareAttestationKey } from "../../../../../test/software-tpm/index.ts";

export const rsaAk = generateAttestationKey("rsa");
export const ecAk = generateAttestationKey("ec");

/** A SHA-256 name that no key has. */
export const otherName = Buffer.concat([Buffer.from("000b", "hex"), Buffer.alloc(32, 7)]);

/** The record that rancherd would send, without qualifying data. */
export function madeBy(ak: SoftwareAttestationKey, mutate: AttestationMutations = {}): AttestationKeyParameters {
  return ak.certifyCreation(Buffer.alloc(0), mutate);
}

/** For `toThrow`. */
export function refusedWith(code: string): unknown {
  return expect.objectContaining({ code, retry: "never" });
}

export function asRsa(area: PublicArea): RsaPublicArea {
  if (area.type !== "RSA") {
    throw new Error("the key is not RSA");
  }
  return area;
}

export function asEcc(area: PublicArea): EccPublicArea {
  if (area.type !== "ECC") {
    throw new Error("the key is not ECC");
  }
  return area;
}

export function oneMore(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(1)]);
}

export function without(bit: number): AttestationMutations {
  return { publicArea: (area) => ({ ...area, objectAttributes: area.objectAttributes & ~bit }) };
}

export function withBits(bits: number): AttestationMutations {
  return { publicArea: (area) => ({ ...area, objectAttributes: (area.objectAttributes | bits) >>> 0 }) };
}

export function creation(attest: Attest, change: { objectName?: Buffer; creationHash?: Buffer }): Attest {
  return attest.attested.type === "creation" ? { ...attest, attested: { ...attest.attested, ...change } } : attest;
}

export function certification(attest: Attest): Attest {
  return { ...attest, attested: { type: "certify", name: rsaAk.name, qualifiedName: rsaAk.name } };
}

export function flipped(signature: Signature): Signature {
  const flip = (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte, index) => (index === 20 ? byte ^ 1 : byte)));
  return signature.scheme === "ECDSA"
    ? { ...signature, s: flip(signature.s) }
    : { ...signature, signature: flip(signature.signature) };
}

/** TPMT_SIGNATURE of RSASSA with SHA-256. */
export function rsaSignature(signature: Buffer): Buffer {
  const header = Buffer.from("0014000b0000", "hex");
  header.writeUInt16BE(signature.length, 4);
  return Buffer.concat([header, signature]);
}
