/** By which algorithm a key signs certificates. */
import type { KeyObject } from "node:crypto";

export interface SignatureAlgorithm {
  readonly oid: string;
  /** Whether its parameters are NULL, or there are none. */
  readonly hasNull: boolean;
  /** As node:crypto's sign takes it; null where the algorithm has its own. */
  readonly hash: "sha256" | null;
}

/** Source: RFC 5758 section 3.2, RFC 4055 section 5, RFC 8410 section 3 */
const ALGORITHMS = new Map<string, SignatureAlgorithm>([
  ["ec", { oid: "1.2.840.10045.4.3.2", hasNull: false, hash: "sha256" }],
  ["rsa", { oid: "1.2.840.113549.1.1.11", hasNull: true, hash: "sha256" }],
  ["ed25519", { oid: "1.3.101.112", hasNull: false, hash: null }],
]);

/** Undefined where the key is of a kind with which nothing is signed here. */
export function signatureAlgorithmOf(key: KeyObject): SignatureAlgorithm | undefined {
  return ALGORITHMS.get(key.asymmetricKeyType ?? "");
}
