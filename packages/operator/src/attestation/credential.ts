/** TPM2_MakeCredential in software: a secret that only the TPM with this EK releases, and only for the AK of this name. */
import { constants, createCipheriv, createECDH, createHmac, publicEncrypt, timingSafeEqual } from "node:crypto";
import type { Challenge } from "@rancheros/protocol/messages";
import { SECRET_MAX_BYTES } from "@rancheros/protocol/messages";
import { ByteWriter, wrapTpm2b } from "@rancheros/protocol/tpm";
import type { EcSubjectPublicKey } from "@rancheros/protocol/tpm";
import { AttestationError } from "./errors.ts";
import { kdfaWith, kdfe, type DerivationHash } from "./key-derivation.ts";
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

/** What follows from the endorsement key's template: its nameAlg and its cipher. */
interface Protection {
  readonly hash: DerivationHash;
  readonly cipher: "aes-128-cfb" | "aes-256-cfb";
  readonly cipherKeyBytes: number;
  readonly hmacKeyBytes: number;
  /** Of an RSA key's seed; that of an elliptic curve is as long as the hash. */
  readonly seedBytes: number;
}

/**
 * Templates L-1 (RSA-2048) and L-2 (P-256). The seed is as long as the cipher's key, as go-attestation's is; TPMs take 32
 * as well.
 */
const SHA256_AES128: Protection = {
  hash: "sha256",
  cipher: "aes-128-cfb",
  cipherKeyBytes: 16,
  hmacKeyBytes: 32,
  seedBytes: 16,
};
/** Template H-6, the only one of RSA-3072. TCG EK Credential Profile 2.6, annex B.4. */
const SHA384_AES256: Protection = {
  hash: "sha384",
  cipher: "aes-256-cfb",
  cipherKeyBytes: 32,
  hmacKeyBytes: 48,
  seedBytes: 48,
};
const RSA_3072_BITS = 3072;
const SHA256_NAME_BYTES = 34;
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
  const { publicKey } = ek;
  const isLong = publicKey.type === "rsa" && publicKey.bits === RSA_3072_BITS;
  const protection = isLong ? SHA384_AES256 : SHA256_AES128;
  const { seed, wrapped } =
    publicKey.type === "rsa" ? rsaSeed(ek, protection, randomBytes) : ecdhSeed(publicKey, randomBytes);
  return {
    credentialBlob: wrapTpm2b(protectIdentity(seed, akName, secret, protection), "TPM2B_ID_OBJECT"),
    encryptedSecret: wrapTpm2b(wrapped, "TPM2B_ENCRYPTED_SECRET"),
  };
}

/**
 * The part of a credential that follows from its seed.
 * @returns TPMS_ID_OBJECT: the integrity HMAC with its size, then the encrypted identity
 */
export function protectIdentity(
  seed: Uint8Array,
  akName: Uint8Array,
  secret: Uint8Array,
  protection: Protection = SHA256_AES128,
): Buffer {
  const { hash, cipherKeyBytes, hmacKeyBytes } = protection;
  const kdfa = kdfaWith(hash);
  const symmetricKey = kdfa(seed, "STORAGE", akName, EMPTY, cipherKeyBytes);
  // The initial vector is zero because the key is used once.
  const cipher = createCipheriv(protection.cipher, symmetricKey, Buffer.alloc(16));
  const identity = Buffer.concat([cipher.update(wrapTpm2b(secret, "TPM2B_DIGEST")), cipher.final()]);
  const integrityKey = kdfa(seed, "INTEGRITY", EMPTY, EMPTY, hmacKeyBytes);
  const integrity = createHmac(hash, integrityKey).update(identity).update(akName).digest();
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

function rsaSeed(
  ek: VerifiedEndorsementKey,
  { seedBytes, hash }: Protection,
  randomBytes: CredentialRequest["randomBytes"],
): WrappedSeed {
  const seed = randomBytes(seedBytes);
  requireSize(seed, "randomness", seedBytes, seedBytes);
  const wrapped = publicEncrypt(
    { key: ek.keyObject, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash, oaepLabel: OAEP_LABEL },
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
  const seed = kdfe(sharedX, "IDENTITY", x, ek.x, SHA256_AES128.hmacKeyBytes);
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
