/** A certificate authority for one test: itself, and server certificates with the names that a test wants. */
import { generateKeyPairSync } from "node:crypto";
import forge from "node-forge";

export interface ServerCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  readonly certificatePem: string;
  /** SHA-256 of the DER, as `openssl x509 -fingerprint -sha256` prints it behind the equals sign. */
  readonly fingerprint: string;
  issue(options: {
    /** None for a certificate that has a common name only. */
    readonly names: readonly string[];
    readonly commonName?: string;
    readonly expired?: boolean;
    readonly isEarly?: boolean;
    /** With fewer than 2048 OpenSSL lets a server have it only where its security level is 0. */
    readonly rsaBits?: number;
  }): ServerCertificate;
  /** Another authority, for which this one vouches. */
  intermediate(name: string): Authority;
}

interface KeyPair {
  readonly publicKey: forge.pki.rsa.PublicKey;
  readonly privateKey: forge.pki.rsa.PrivateKey;
}

const DAY_MS = 86_400_000;
const DNS = 2;
const IP = 7;

export function createAuthority(name: string): Authority {
  const keys = newKeys();
  return authorityOf(name, keys, name, keys);
}

function authorityOf(name: string, keys: KeyPair, issuer: string, issuerKeys: KeyPair): Authority {
  const certificate = forge.pki.createCertificate();
  fill(certificate, keys.publicKey, name, issuer, false);
  certificate.setExtensions([
    { name: "basicConstraints", cA: true, critical: true },
    { name: "keyUsage", keyCertSign: true, critical: true },
    { name: "subjectKeyIdentifier" },
  ]);
  certificate.sign(issuerKeys.privateKey, forge.md.sha256.create());
  const der = forge.asn1.toDer(forge.pki.certificateToAsn1(certificate)).getBytes();
  const digest = forge.md.sha256.create().update(der).digest().toHex();
  return {
    certificatePem: forge.pki.certificateToPem(certificate),
    fingerprint: digest.toUpperCase().replaceAll(/(..)(?=.)/g, "$1:"),
    issue({ names, commonName = "server", expired, isEarly, rsaBits }) {
      const own = newKeys(rsaBits);
      const issued = forge.pki.createCertificate();
      fill(issued, own.publicKey, commonName, name, expired === true);
      if (isEarly === true) issued.validity.notBefore = new Date(Date.now() + DAY_MS / 2);
      const altNames = names.map((one) => (/^[\d.]+$/.test(one) ? { type: IP, ip: one } : { type: DNS, value: one }));
      issued.setExtensions([
        { name: "basicConstraints", cA: false },
        { name: "extKeyUsage", serverAuth: true },
        ...(altNames.length === 0 ? [] : [{ name: "subjectAltName", altNames }]),
      ]);
      issued.sign(keys.privateKey, forge.md.sha256.create());
      return { cert: forge.pki.certificateToPem(issued), key: forge.pki.privateKeyToPem(own.privateKey) };
    },
    intermediate: (below) => authorityOf(below, newKeys(), name, keys),
  };
}

/** Node makes RSA keys many times faster than forge does. */
function newKeys(modulusLength = 2048): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", {
    modulusLength,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  return { publicKey: forge.pki.publicKeyFromPem(publicKey), privateKey: forge.pki.privateKeyFromPem(privateKey) };
}

function fill(
  certificate: forge.pki.Certificate,
  publicKey: forge.pki.rsa.PublicKey,
  subject: string,
  issuer: string,
  expired: boolean,
): void {
  certificate.publicKey = publicKey;
  certificate.serialNumber = `01${Date.now().toString(16)}`;
  const now = Date.now();
  certificate.validity.notBefore = new Date(now - 2 * DAY_MS);
  certificate.validity.notAfter = new Date(now + (expired ? -DAY_MS : DAY_MS));
  certificate.setSubject([{ name: "commonName", value: subject }]);
  certificate.setIssuer([{ name: "commonName", value: issuer }]);
}
