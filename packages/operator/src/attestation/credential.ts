/** TPM2_MakeCredential in software: a secret that only the TPM with this EK releases, and only for the AK of this name. */
import { constants, createCipheriv, createECDH, createHmac, publicEncrypt, timingSafeEqual } from "node:crypto";
import type { Challenge } from "@rancheros/protocol/messages";
import { SECRET_MAX_BYTES } from "@rancheros/protocol/messages";
import { ByteWriter, wrapTpm2b } from "@rancheros/protocol/tpm";
import type { EcSubjectPublicKey } from "@rancheros/protocol/tpm";
import { AttestationError } from "./errors.ts";
import { kdfa, kdfe } from "./key-derivation.ts";
import type { VerifiedEndorsementKey } from "./endorsement-key.ts";

export interface CredentialRequest {
  readonly ek: VerifiedEndorsementKey;
  /** SHA-256 name of the attestation key: 34 bytes */
  readonly akName: Uint8Array;
  /** 1 to 32 bytes; the caller keeps it to compare the answer */
  readonly secret: Uint8Array;
  /** of cryptographic quality; the RSA padding takes its own from node:crypto */
  readonly randomBytes: (sizeBytes: number) => Buffer;
}

/** Key size of the cipher in the default EK template; go-attestation takes as many, other servers 32. */
const RSA_SEED_BYTES = 16;
const SHA256_NAME_BYTES = 34;
const AES_KEY_BYTES = 16;
const HMAC_KEY_BYTES = 32;
const P256_BYTES = 32;
const EMPTY = Buffer.alloc(0);
/** The zero byte belongs to it (part 1, 24). */
const OAEP_LABEL = Buffer.from("IDENTITY\0", "latin1");
/** A random number of 32 bytes is no private key of P-256 once in 2^32. */
const EPHEMERAL_KEY_ATTEMPTS = 8;

/**
 * @returns both parts with their two-byte sizes, as rancherd hands them to TPM2_ActivateCredential
 * @throws AttestationError CREDENTIAL_ARGUMENT
 * Source: TPM 2.0 Library part 1, 24 (Credential Protection) and appendices B.10 (RSA), C.6 (ECC)
 */
export function makeCredential(request: CredentialRequest): Challenge {
  const { ek, akName, secret, randomBytes } = request;
  requireSize(akName, "akName", SHA256_NAME_BYTES, SHA256_NAME_BYTES);
  requireSize(secret, "secret", 1, SECRET_MAX_BYTES);
  const { seed, wrapped } =
    ek.publicKey.type === "rsa" ? rsaSeed(ek, randomBytes) : ecdhSeed(ek.publicKey, randomBytes);
  return {
    credentialBlob: wrapTpm2b(protectIdentity(seed, akName, secret), "TPM2B_ID_OBJECT"),
    encryptedSecret: wrapTpm2b(wrapped, "TPM2B_ENCRYPTED_SECRET"),
  };
}

/**
 * The part of a credential that follows from its seed.
 * @returns TPMS_ID_OBJECT: the integrity HMAC with its size, then the encrypted identity
 */
export function protectIdentity(seed: Uint8Array, akName: Uint8Array, secret: Uint8Array): Buffer {
  const symmetricKey = kdfa(seed, "STORAGE", akName, EMPTY, AES_KEY_BYTES);
  // The initial vector is zero because the key is used once.
  const cipher = createCipheriv("aes-128-cfb", symmetricKey, Buffer.alloc(16));
  const identity = Buffer.concat([cipher.update(wrapTpm2b(secret, "TPM2B_DIGEST")), cipher.final()]);
  const integrityKey = kdfa(seed, "INTEGRITY", EMPTY, EMPTY, HMAC_KEY_BYTES);
  const integrity = createHmac("sha256", integrityKey).update(identity).update(akName).digest();
  return new ByteWriter("TPMS_ID_OBJECT").writeSized(integrity, "integrityHMAC").writeBytes(identity).finish();
}

/**
 * Compares the answer to a challenge with the secret, in time that does not depend on where they differ.
 * @param secret  what `makeCredential` was given
 */
export function checkChallengeAnswer(secret: Uint8Array, answer: Uint8Array): boolean {
  return answer.byteLength === secret.byteLength && timingSafeEqual(answer, secret);
}

interface WrappedSeed {
  readonly seed: Buffer;
  /** content of TPM2B_ENCRYPTED_SECRET */
  readonly wrapped: Buffer;
}

function rsaSeed(ek: VerifiedEndorsementKey, randomBytes: CredentialRequest["randomBytes"]): WrappedSeed {
  const seed = randomBytes(RSA_SEED_BYTES);
  requireSize(seed, "randomness", RSA_SEED_BYTES, RSA_SEED_BYTES);
  const wrapped = publicEncrypt(
    { key: ek.keyObject, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256", oaepLabel: OAEP_LABEL },
    seed,
  );
  return { seed, wrapped };
}

function ecdhSeed(ek: EcSubjectPublicKey, randomBytes: CredentialRequest["randomBytes"]): WrappedSeed {
  const ephemeral = ephemeralKey(randomBytes);
  const point = ephemeral.getPublicKey();
  const x = point.subarray(1, 1 + P256_BYTES);
  const y = point.subarray(1 + P256_BYTES);
  const sharedX = ephemeral.computeSecret(Buffer.concat([Buffer.from([4]), ek.x, ek.y]));
  const seed = kdfe(sharedX, "IDENTITY", x, ek.x, HMAC_KEY_BYTES);
  return { seed, wrapped: new ByteWriter("TPMS_ECC_POINT").writeSized(x, "x").writeSized(y, "y").finish() };
}

function ephemeralKey(randomBytes: CredentialRequest["randomBytes"]): ReturnType<typeof createECDH> {
  for (let attempt = 1; attempt <= EPHEMERAL_KEY_ATTEMPTS; attempt += 1) {
    const privateKey = randomBytes(P256_BYTES);
    requireSize(privateKey, "randomness", P256_BYTES, P256_BYTES);
    const ecdh = createECDH("prime256v1");
    try {
      ecdh.setPrivateKey(privateKey);
      return ecdh;
    } catch {
      // Zero or not below the group's order: the next random number will do.
      continue;
    }
  }
  throw new AttestationError("CREDENTIAL_ARGUMENT", "the randomness never gives a private key of P-256");
}

function requireSize(bytes: Uint8Array, what: string, minBytes: number, maxBytes: number): void {
  if (bytes.byteLength < minBytes || bytes.byteLength > maxBytes) {
    throw new AttestationError("CREDENTIAL_ARGUMENT", `${what} has ${String(bytes.byteLength)} bytes`, {
      details: { what, bytes: bytes.byteLength },
    });
  }
}
