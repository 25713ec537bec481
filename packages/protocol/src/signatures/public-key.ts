/** Public keys of signers, and what they have signed. */
import { createHash, createPublicKey, verify, type KeyObject } from "node:crypto";

export interface KeySigner {
  readonly kind: "key";
  /** For messages: as much of the SHA-256 of the key (SubjectPublicKeyInfo) as it takes to tell keys apart. */
  readonly name: string;
  readonly key: KeyObject;
}

const PEM_LIMIT = 16 * 1024;
/** By curve, what is hashed with: cosign took SHA-256 for all of them up to version 2.2, and takes the curve's own since. */
const HASHES: ReadonlyMap<string, readonly string[]> = new Map([
  ["prime256v1", ["sha256"]],
  ["secp384r1", ["sha384", "sha256"]],
  ["secp521r1", ["sha512", "sha256"]],
]);
const RSA_BITS = { min: 2048, max: 8192 } as const;
const PEM = /^\s*-----BEGIN PUBLIC KEY-----\r?\n[A-Za-z0-9+/=\r\n]+-----END PUBLIC KEY-----\s*$/;

/** @returns the key, or what is wrong with it */
export function readPublicKey(pem: unknown): KeySigner | { readonly problem: string } {
  if (typeof pem !== "string") return { problem: "is no text" };
  if (pem.length > PEM_LIMIT) return { problem: `has more than ${PEM_LIMIT} characters` };
  if (/PRIVATE KEY-----/.test(pem)) return { problem: "is a private key: remove it from here, and take it for stolen" };
  if (!PEM.test(pem)) return { problem: "is no single public key as PEM (BEGIN PUBLIC KEY), as cosign.pub is" };
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    return { problem: "is damaged: nothing can be read between BEGIN PUBLIC KEY and END PUBLIC KEY" };
  }
  const problem = keyProblem(key);
  if (problem !== undefined) return { problem };
  const fingerprint = createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest("hex");
  return { kind: "key", name: `the key ${fingerprint.slice(0, 16)}`, key };
}

function keyProblem({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | undefined {
  if (asymmetricKeyType === "ed25519") return undefined;
  if (asymmetricKeyType === "ec") {
    const curve = asymmetricKeyDetails?.namedCurve ?? "";
    return HASHES.has(curve) ? undefined : `is on the curve ${curve}; P-256, P-384 and P-521 are taken`;
  }
  if (asymmetricKeyType !== "rsa") return `is of the kind ${asymmetricKeyType}; ECDSA, Ed25519 and RSA are taken`;
  const bits = asymmetricKeyDetails?.modulusLength ?? 0;
  return bits >= RSA_BITS.min && bits <= RSA_BITS.max ? undefined : `has ${bits} bits; RSA has 2048 to 8192`;
}

/**
 * ECDSA as DER, RSA as PKCS #1 v1.5 over SHA-256; Ed25519 over the bytes themselves.
 * Source: sigstore/sigstore pkg/signature, algorithm_registry.go and LoadVerifier; cosign specs/SIGNATURE_SPEC.md
 */
export function isSignedBy(key: KeyObject, data: Uint8Array, signature: Uint8Array): boolean {
  if (key.asymmetricKeyType === "ed25519") return verifies(null, key, data, signature);
  const hashes = HASHES.get(key.asymmetricKeyDetails?.namedCurve ?? "") ?? ["sha256"];
  return hashes.some((hash) => verifies(hash, key, data, signature));
}

function verifies(hash: string | null, key: KeyObject, data: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verify(hash, data, key, signature);
  } catch {
    // OpenSSL throws for some that are no signatures.
    return false;
  }
}
