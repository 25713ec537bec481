/** The authority that signs client certificates: how a kubelet proves which node it is. */
import { createPrivateKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import forge from "node-forge";

/** Files, so that a test's process can sign what the process that started the control plane trusts. */
export interface ClientAuthority {
  readonly certificateFile: string;
  readonly keyFile: string;
}

export interface ClientIdentity {
  readonly user: string;
  readonly groups: readonly string[];
  /** A certificate that was good until yesterday. */
  readonly expired?: boolean;
}

export interface ClientCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
}

const DAY_MS = 86_400_000;

/** Makes the authority in the folder. A folder that is used again keeps it. */
export function writeClientAuthority(folder: string): ClientAuthority {
  const certificateFile = path.join(folder, "client-ca.crt");
  const keyFile = path.join(folder, "client-ca.key");
  if (existsSync(certificateFile) && existsSync(keyFile)) return { certificateFile, keyFile };
  const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const keyPem = keys.privateKey.export({ type: "pkcs8", format: "pem" });
  const certificate = newCertificate(keys.publicKey.export({ type: "spki", format: "pem" }), false);
  const name = [{ name: "commonName", value: "rancheros-test-clients" }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.setExtensions([
    { name: "basicConstraints", cA: true, critical: true },
    { name: "keyUsage", keyCertSign: true, critical: true },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(keyPem), forge.md.sha256.create());
  writeFileSync(keyFile, keyPem, { mode: 0o600 });
  writeFileSync(certificateFile, forge.pki.certificateToPem(certificate), { mode: 0o600 });
  return { certificateFile, keyFile };
}

/** Kubernetes reads the user from the common name and the groups from the organizations. */
export function issueClientCertificate(authority: ClientAuthority, identity: ClientIdentity): ClientCertificate {
  const issuer = forge.pki.certificateFromPem(readFileSync(authority.certificateFile, "utf8"));
  // forge's parser knows PKCS#1 and PKCS#8; Node says which key it is when the file is broken.
  const issuerKey = createPrivateKey(readFileSync(authority.keyFile)).export({ type: "pkcs1", format: "pem" });
  const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const certificate = newCertificate(keys.publicKey.export({ type: "spki", format: "pem" }), identity.expired === true);
  certificate.setSubject([
    ...identity.groups.map((value) => ({ name: "organizationName", value })),
    { name: "commonName", value: identity.user },
  ]);
  certificate.setIssuer(issuer.subject.attributes);
  certificate.setExtensions([
    { name: "basicConstraints", cA: false },
    { name: "keyUsage", digitalSignature: true, keyEncipherment: true },
    { name: "extKeyUsage", clientAuth: true },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(issuerKey), forge.md.sha256.create());
  return {
    certificatePem: forge.pki.certificateToPem(certificate),
    keyPem: keys.privateKey.export({ type: "pkcs8", format: "pem" }),
  };
}

function newCertificate(publicKeyPem: string, expired: boolean): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKeyPem);
  certificate.serialNumber = `01${randomBytes(15).toString("hex")}`;
  const nowMs = Date.now();
  certificate.validity.notBefore = new Date(nowMs - 2 * DAY_MS);
  certificate.validity.notAfter = new Date(nowMs + (expired ? -DAY_MS : 30 * DAY_MS));
  return certificate;
}
