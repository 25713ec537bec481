/** A certificate with its key that fit each other, and that OpenSSL serves nobody with: RSA of 1024 bits. */
import { generateKeyPairSync } from "node:crypto";
import forge from "node-forge";
import type { ServerCertificate } from "./authority.ts";

export function weakCertificate(): ServerCertificate {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", {
    modulusLength: 1024,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  certificate.sign(forge.pki.privateKeyFromPem(privateKey), forge.md.sha256.create());
  return { cert: forge.pki.certificateToPem(certificate), key: privateKey };
}
