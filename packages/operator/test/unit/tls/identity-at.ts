/** The operator's CAs on a clock of the test's own, in days. */
import { generateKeyPairSync, randomBytes, X509Certificate } from "node:crypto";
import { DAY_MS, type CertificateAndKey } from "../../../src/tls/certificates.ts";
import { nextIdentity, type IdentityStep, type TlsIdentity } from "../../../src/tls/identity.ts";
import { signCertificate } from "../../../src/tls/sign-certificate.ts";

export const START_MS = Date.parse("2030-01-01T00:00:00Z");
const NAMES = ["operator.example.com", "127.0.0.1"];
const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

export interface Told {
  readonly identity: TlsIdentity;
  readonly step: IdentityStep;
}

/** What the operator makes of the identity so many days after the beginning. */
export function at(days: number, stored: TlsIdentity | undefined, asked = false, names = NAMES): Told {
  const nowMs = START_MS + days * DAY_MS;
  return nextIdentity(stored, { names, requiredNames: names, isRotationAsked: asked, nowMs, random: randomBytes });
}

/** Each certificate of a PEM bundle, in its order. */
export const certificatesOf = (pem: string): readonly X509Certificate[] =>
  (pem.match(PEM) ?? []).map((one) => new X509Certificate(one));

/** Whether who trusts these CAs alone believes the chain that is shown, at this time. Signatures, names and times count. */
export function isBelieved({ serving }: TlsIdentity, trusted: readonly X509Certificate[], days: number): boolean {
  const nowMs = START_MS + days * DAY_MS;
  const isNow = (one: X509Certificate): boolean =>
    one.validFromDate.getTime() <= nowMs && nowMs < one.validToDate.getTime();
  const [leaf, ...behind] = certificatesOf(serving.certificatePem);
  const climb = (from: X509Certificate): boolean => {
    if (!isNow(from)) return false;
    const signs = (one: X509Certificate): boolean => from.checkIssued(one) && from.verify(one.publicKey);
    if (trusted.some((one) => isNow(one) && signs(one))) return true;
    return behind.some((one) => one !== from && signs(one) && climb(one));
  };
  return leaf !== undefined && climb(leaf);
}

/** A CA as somebody's own, of so many days. */
export function caOf(days: number, pathLength: number | undefined, commonName = "Own CA"): CertificateAndKey {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const keyPem = privateKey.export({ type: "pkcs8", format: "pem" });
  const constraints = pathLength === undefined ? {} : { pathLenConstraint: pathLength };
  const template = {
    commonName,
    issuerPem: undefined,
    beginMs: START_MS - DAY_MS,
    endMs: START_MS + days * DAY_MS,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true, ...constraints },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
    isCa: true,
    serial: randomBytes(16),
  };
  return { certificatePem: signCertificate(template, keyPem, keyPem), keyPem };
}
