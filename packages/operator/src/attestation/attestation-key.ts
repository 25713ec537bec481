/**
 * Was this attestation key made inside a TPM, and can it never vouch for a lie? What is established, given that its
 * holder also activates a credential for its name:
 * - the TPM made the key itself (sensitiveDataOrigin, an attested creation), and it cannot leave (fixedTPM, fixedParent);
 * - it signs only what the TPM itself made up (restricted, sign, not decrypt), so its later quotes mean something;
 * - the birth record belongs to this key (name) and these circumstances (creation hash), in this conversation
 *   (qualifying data).
 * The record is signed by the key itself. That proves nothing alone: a program can imitate all of it. The proof is the
 * activation of a credential against an endorsement key that is known to be a TPM's.
 */
import { createHash, verify } from "node:crypto";
import {
  decodeAttest,
  decodeCreationData,
  decodePublicArea,
  decodeSignature,
  objectName,
  TpmFormatError,
} from "@rancheros/protocol/tpm";
import type { Attest, ClockInfo, CreationData, PublicArea, Signature } from "@rancheros/protocol/tpm";
import type { AttestationKeyParameters } from "@rancheros/protocol/messages";
import { checkAttestationKeyProperties, importAttestationKey } from "./attestation-key-properties.ts";
import { AttestationError } from "./errors.ts";
import type { AttestationErrorCode } from "./errors.ts";
import type { KeyObject } from "node:crypto";

/** A key that passed every check of `verifyAttestationKey`; the private field keeps everybody else from making one. */
class VerifiedAttestationKey {
  /** SHA-256 name: what a credential is bound to */
  readonly name: Buffer;
  readonly publicArea: PublicArea;
  readonly keyObject: KeyObject;
  readonly creation: CreationData;
  readonly #attest: Attest;

  constructor(name: Buffer, publicArea: PublicArea, keyObject: KeyObject, creation: CreationData, attest: Attest) {
    this.name = name;
    this.publicArea = publicArea;
    this.keyObject = keyObject;
    this.creation = creation;
    this.#attest = attest;
  }

  /** Recorded for policy, like the next two: nothing is decided on them here. */
  get qualifiedSigner(): Buffer {
    return this.#attest.qualifiedSigner;
  }

  get clockInfo(): ClockInfo {
    return this.#attest.clockInfo;
  }

  get firmwareVersion(): bigint {
    return this.#attest.firmwareVersion;
  }
}

// Only the type leaves this file.
export type { VerifiedAttestationKey };

export interface AttestationKeyExpectation {
  /** What TPM2_CertifyCreation must have been given; empty for rancherd, which gives nothing. */
  readonly qualifyingData?: Uint8Array;
}

/**
 * @param ak  as the machine sent it
 * @throws AttestationError with a code that begins with AK_, one for each property that is missing
 */
export function verifyAttestationKey(
  ak: AttestationKeyParameters,
  expectation: AttestationKeyExpectation = {},
): VerifiedAttestationKey {
  const publicArea = read(() => decodePublicArea(ak.public), "AK_PUBLIC_UNREADABLE");
  const creation = read(() => decodeCreationData(ak.createData), "AK_CREATION_DATA_UNREADABLE");
  const attest = read(() => decodeAttest(ak.createAttestation), "AK_ATTESTATION_UNREADABLE");
  const signature = read(() => decodeSignature(ak.createSignature), "AK_SIGNATURE_UNREADABLE");
  checkAttestationKeyProperties(publicArea);
  const name = objectName(ak.public);
  checkAttest(attest, name, ak.createData, expectation.qualifyingData ?? Buffer.alloc(0));
  const keyObject = importAttestationKey(publicArea);
  checkSignature(signature, publicArea, keyObject, ak.createAttestation);
  return new VerifiedAttestationKey(name, publicArea, keyObject, creation, attest);
}

function checkAttest(attest: Attest, name: Buffer, creationBytes: Buffer, qualifyingData: Uint8Array): void {
  if (attest.attested.type !== "creation") {
    throw new AttestationError("AK_ATTESTATION_TYPE", `the attestation is a ${attest.attested.type}, not a creation`);
  }
  if (!attest.attested.objectName.equals(name)) {
    throw new AttestationError("AK_NAME", "the attestation is about another key");
  }
  // The hash is the key's nameAlg, which is known to be SHA-256 by now.
  const creationHash = createHash("sha256").update(creationBytes).digest();
  if (!attest.attested.creationHash.equals(creationHash)) {
    throw new AttestationError("AK_CREATION_HASH", "the attestation is about other creation data");
  }
  if (!attest.extraData.equals(qualifyingData)) {
    throw new AttestationError("AK_QUALIFYING_DATA", "the attestation's qualifying data is not what was asked for");
  }
}

function checkSignature(signature: Signature, area: PublicArea, key: KeyObject, attestationBytes: Buffer): void {
  if (signature.scheme !== area.scheme.scheme || signature.hash !== "SHA256") {
    throw new AttestationError("AK_SIGNATURE_SCHEME", `the attestation is signed with ${signature.scheme}`);
  }
  const valid =
    signature.scheme === "ECDSA"
      ? verify("sha256", attestationBytes, { key, dsaEncoding: "ieee-p1363" }, fixedSizeEcdsa(signature.r, signature.s))
      : verify("sha256", attestationBytes, key, signature.signature);
  if (!valid) {
    throw new AttestationError("AK_SIGNATURE", "the attestation's signature does not verify");
  }
}

/** IEEE P1363: both numbers filled up to the size of P-256; longer ones stay too long and do not verify. */
function fixedSizeEcdsa(r: Buffer, s: Buffer): Buffer {
  const filled = [r, s].map((number) => Buffer.concat([Buffer.alloc(Math.max(0, 32 - number.length)), number]));
  return Buffer.concat(filled);
}

function read<T>(decode: () => T, code: AttestationErrorCode): T {
  try {
    return decode();
  } catch (cause) {
    if (cause instanceof TpmFormatError && cause.code === "TPM_FORMAT_MAGIC") {
      throw new AttestationError("AK_ATTESTATION_MAGIC", "the attestation was not made by a TPM", { cause });
    }
    if (cause instanceof TpmFormatError && cause.code === "TPM_FORMAT_ATTESTATION_TYPE") {
      throw new AttestationError("AK_ATTESTATION_TYPE", "the attestation is of an unknown kind", { cause });
    }
    const reason = cause instanceof TpmFormatError ? cause.message : "unknown failure";
    throw new AttestationError(code, `not readable: ${reason}`, { cause });
  }
}
