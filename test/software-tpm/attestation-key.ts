/**
 * The attestation key of a software TPM and its birth record. Every step of the record can be changed on the way, and
 * what follows is then made from the changed value: so a test reaches one check of the verifier without tripping others.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import {
  encodeAttest,
  encodeCreationData,
  encodePublicArea,
  encodeSignature,
  objectName,
  publicAreaFromSpki,
  RSA_AK_TEMPLATE,
  TPM_RH,
} from "@rancheros/protocol/tpm";
import type { AttestationKeyParameters } from "@rancheros/protocol/messages";
import type { Attest, CreationData, EccPublicArea, PublicArea, Signature } from "@rancheros/protocol/tpm";
import type { KeyObject } from "node:crypto";

/** Each is called with the honest value of its step and returns what to go on with. */
export interface AttestationMutations {
  readonly publicArea?: (area: PublicArea) => PublicArea;
  readonly publicBytes?: (bytes: Buffer) => Buffer;
  readonly creationData?: (data: CreationData) => CreationData;
  readonly creationBytes?: (bytes: Buffer) => Buffer;
  readonly attest?: (attest: Attest) => Attest;
  /** still before it is signed */
  readonly attestBytes?: (bytes: Buffer) => Buffer;
  readonly signature?: (signature: Signature) => Signature;
  readonly signatureBytes?: (bytes: Buffer) => Buffer;
}

export interface SoftwareAttestationKey {
  readonly publicArea: PublicArea;
  readonly name: Buffer;
  readonly privateKey: KeyObject;
  /** What TPM2_CertifyCreation of the key with itself returns. */
  certifyCreation(qualifyingData: Buffer, mutate: AttestationMutations): AttestationKeyParameters;
  /** PKCS #8, base64 */
  toJson(): string;
}

const ECC_AK_TEMPLATE: EccPublicArea = {
  type: "ECC",
  nameAlg: "SHA256",
  objectAttributes: RSA_AK_TEMPLATE.objectAttributes,
  authPolicy: Buffer.alloc(0),
  symmetric: { algorithm: "NULL" },
  scheme: { scheme: "ECDSA", hash: "SHA256" },
  curve: "NIST_P256",
  kdf: { scheme: "NULL" },
  x: Buffer.alloc(32),
  y: Buffer.alloc(32),
};

export function generateAttestationKey(type: "rsa" | "ec"): SoftwareAttestationKey {
  const pair =
    type === "rsa"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : generateKeyPairSync("ec", { namedCurve: "P-256" });
  return softwareAttestationKey(pair.privateKey);
}

export function attestationKeyFromJson(pkcs8Base64: string): SoftwareAttestationKey {
  return softwareAttestationKey(
    createPrivateKey({ key: Buffer.from(pkcs8Base64, "base64"), format: "der", type: "pkcs8" }),
  );
}

/** @param privateKey  RSA-2048 or P-256 */
export function softwareAttestationKey(privateKey: KeyObject): SoftwareAttestationKey {
  const spkiDer = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  const template = privateKey.asymmetricKeyType === "rsa" ? RSA_AK_TEMPLATE : ECC_AK_TEMPLATE;
  const publicArea = publicAreaFromSpki(spkiDer, template);
  return {
    publicArea,
    name: objectName(encodePublicArea(publicArea)),
    privateKey,
    certifyCreation: (qualifyingData, mutate) => certifyCreation({ publicArea, privateKey, qualifyingData }, mutate),
    toJson: () => privateKey.export({ format: "der", type: "pkcs8" }).toString("base64"),
  };
}

interface Certification {
  readonly publicArea: PublicArea;
  readonly privateKey: KeyObject;
  readonly qualifyingData: Buffer;
}

function certifyCreation(honest: Certification, mutate: AttestationMutations): AttestationKeyParameters {
  const publicArea = changed(honest.publicArea, mutate.publicArea);
  const publicBytes = changed(encodePublicArea(publicArea), mutate.publicBytes);
  const creationData = changed(honestCreationData(), mutate.creationData);
  const createData = changed(encodeCreationData(creationData), mutate.creationBytes);
  const attest = changed(honestAttest(publicBytes, createData, honest.qualifyingData), mutate.attest);
  const createAttestation = changed(encodeAttest(attest), mutate.attestBytes);
  const signature = changed(signAttestation(honest.privateKey, createAttestation), mutate.signature);
  const createSignature = changed(encodeSignature(signature), mutate.signatureBytes);
  return { public: publicBytes, createData, createAttestation, createSignature };
}

function changed<T>(value: T, change: ((value: T) => T) | undefined): T {
  return change === undefined ? value : change(value);
}

/** A primary key of the endorsement hierarchy, as ros-agent makes it. */
function honestCreationData(): CreationData {
  const hierarchy = Buffer.alloc(4);
  hierarchy.writeUInt32BE(TPM_RH.ENDORSEMENT);
  return {
    pcrSelect: [],
    pcrDigest: createHash("sha256").digest(),
    locality: 1,
    parentNameAlg: "NULL",
    parentName: hierarchy,
    parentQualifiedName: hierarchy,
    outsideInfo: Buffer.alloc(0),
  };
}

function honestAttest(publicBytes: Buffer, createData: Buffer, qualifyingData: Buffer): Attest {
  return {
    qualifiedSigner: Buffer.concat([Buffer.from("000b", "hex"), createHash("sha256").update(publicBytes).digest()]),
    extraData: qualifyingData,
    clockInfo: { clockMs: 3_600_000n, resetCount: 7, restartCount: 0, safe: true },
    firmwareVersion: 0x2019_1023_0016_3636n,
    attested: {
      type: "creation",
      objectName: tolerantName(publicBytes),
      creationHash: createHash("sha256").update(createData).digest(),
    },
  };
}

/** A hostile public area may be too broken to have a name. */
function tolerantName(publicBytes: Buffer): Buffer {
  try {
    return objectName(publicBytes);
  } catch {
    return Buffer.alloc(0);
  }
}

function signAttestation(privateKey: KeyObject, bytes: Buffer): Signature {
  if (privateKey.asymmetricKeyType === "rsa") {
    return { scheme: "RSASSA", hash: "SHA256", signature: sign("sha256", bytes, privateKey) };
  }
  const signature = sign("sha256", bytes, { key: privateKey, dsaEncoding: "ieee-p1363" });
  return { scheme: "ECDSA", hash: "SHA256", r: signature.subarray(0, 32), s: signature.subarray(32) };
}
