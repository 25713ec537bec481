/** The CA that machines should trust, signed with what they share with us: /v1-rancheros/cacerts. */
import { createHash, createHmac } from "node:crypto";

/** The body: the CA with a newline at its end; empty where a public CA is used. */
export function cacertsBody(caPem: string | undefined): string {
  if (caPem === undefined || caPem === "") return "";
  return caPem.endsWith("\n") ? caPem : `${caPem}\n`;
}

/** What a machine sends as its Bearer: base64 of the SHA-256 of the key that it shares with us. */
export function cacertsKeyId(key: string | Uint8Array): string {
  return createHash("sha256").update(key).digest("base64");
}

/**
 * The header X-Cattle-Hash.
 * @param key    the shared secret, or the EK hash as hex text
 * @param nonce  the request's X-Cattle-Nonce
 * @returns      base64 of HMAC-SHA-512(key, nonce 0x00 body 0x00)
 * Source: rancher/os2 pkg/server/cacert.go
 */
export function cacertsHash(key: string | Uint8Array, nonce: string, body: string): string {
  return createHmac("sha512", key).update(nonce).update("\0").update(body).update("\0").digest("base64");
}
