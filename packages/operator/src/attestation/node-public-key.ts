/** From the numbers of a public key to node:crypto's key object; JWK is the form that OpenSSL imports fastest. */
import { createPublicKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { SubjectPublicKey } from "@rancheros/protocol/tpm";

/** @throws an OpenSSL error if an elliptic curve point is not on its curve */
export function nodePublicKey(key: SubjectPublicKey): KeyObject {
  if (key.type === "ec") {
    const x = key.x.toString("base64url");
    const y = key.y.toString("base64url");
    return createPublicKey({ format: "jwk", key: { kty: "EC", crv: key.curve, x, y } });
  }
  const exponent = Buffer.alloc(4);
  exponent.writeUInt32BE(key.exponent);
  const n = key.modulus.toString("base64url");
  return createPublicKey({ format: "jwk", key: { kty: "RSA", n, e: exponent.toString("base64url") } });
}
