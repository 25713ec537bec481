/** The operator's own CAs, and the serving certificates that they sign. */
import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { signCertificate } from "./sign-certificate.ts";
import { signatureAlgorithmOf } from "./signature-algorithm.ts";

export const DAY_MS = 86_400_000;
export const CA_DAYS = 3650;
export const SERVING_DAYS = 365;
/** Clocks of machines without a battery lag: certificates begin a day early. */
export const EARLY_DAYS = 1;

export interface CertificateAndKey {
  /** PEM; of a serving certificate also the chain behind it. */
  readonly certificatePem: string;
  readonly keyPem: string;
}

type Random = (bytes: number) => Uint8Array;

/** Several may be signed one below the other: see crossSign. */
const CA_EXTENSIONS = [
  { name: "basicConstraints", cA: true, critical: true },
  { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
] as const;

/**
 * When the certificate ends, since the epoch.
 * @param pem  certificate or chain, the server's own first
 */
export function certificateEndMs(pem: string): number {
  return new X509Certificate(pem).validToDate.getTime();
}

function newKeyPem(): string {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" });
}

/** A new CA. Its name is its own: two that are trusted at one time are told apart by it. */
export function makeCa(nowMs: number, random: Random): CertificateAndKey {
  const keyPem = newKeyPem();
  const template = {
    commonName: `rancheros-operator-ca-${Buffer.from(random(4)).toString("hex")}`,
    issuerPem: undefined,
    beginMs: nowMs - EARLY_DAYS * DAY_MS,
    endMs: nowMs + CA_DAYS * DAY_MS,
    extensions: CA_EXTENSIONS,
    isCa: true,
    serial: random(16),
  };
  return { certificatePem: signCertificate(template, keyPem, keyPem), keyPem };
}

/**
 * The successor's name and key, signed by the CA before it: who trusts that one only believes the successor as well.
 * @returns PEM of a certificate that ends with the CA that signs it
 * Source: RFC 4210 section 4.4, "new with old"
 */
export function crossSign(successor: CertificateAndKey, ca: CertificateAndKey, nowMs: number, random: Random): string {
  const { subject } = new X509Certificate(successor.certificatePem);
  const template = {
    commonName: subject.replace(/^CN=/, ""),
    issuerPem: ca.certificatePem,
    beginMs: nowMs - EARLY_DAYS * DAY_MS,
    endMs: certificateEndMs(ca.certificatePem),
    extensions: CA_EXTENSIONS,
    isCa: true,
    serial: random(16),
  };
  return signCertificate(template, successor.keyPem, ca.keyPem);
}

/** @param names  host names and addresses that machines use */
export function makeServingCertificate(
  ca: CertificateAndKey,
  names: readonly string[],
  nowMs: number,
  random: Random,
): CertificateAndKey {
  const keyPem = newKeyPem();
  const altNames = names.map((name) => (isIP(name) === 0 ? { type: 2, value: name } : { type: 7, ip: name }));
  const template = {
    commonName: "rancheros-operator",
    issuerPem: ca.certificatePem,
    beginMs: nowMs - EARLY_DAYS * DAY_MS,
    endMs: Math.min(nowMs + SERVING_DAYS * DAY_MS, certificateEndMs(ca.certificatePem)),
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      { name: "subjectAltName", altNames },
    ],
    isCa: false,
    serial: random(16),
  };
  return { certificatePem: signCertificate(template, keyPem, ca.keyPem), keyPem };
}

function isNow({ validFromDate, validToDate }: X509Certificate, nowMs: number): boolean {
  return validFromDate.getTime() <= nowMs && nowMs < validToDate.getTime();
}

/** Then the clock is wrong, or was when it was made: they begin a day before that. */
export function hasNotBegun({ certificatePem }: Pick<CertificateAndKey, "certificatePem">, nowMs: number): boolean {
  try {
    return new X509Certificate(certificatePem).validFromDate.getTime() > nowMs;
  } catch {
    return false;
  }
}

/** Whether the certificate serves at this moment: signed by this CA with this key, and for all these names. */
function serves(
  serving: CertificateAndKey,
  ca: Pick<CertificateAndKey, "certificatePem">,
  names: readonly string[],
  nowMs: number,
): boolean {
  try {
    const certificate = new X509Certificate(serving.certificatePem);
    const signer = new X509Certificate(ca.certificatePem);
    const covers = names.every((name) =>
      isIP(name) === 0 ? certificate.checkHost(name) !== undefined : certificate.checkIP(name) !== undefined,
    );
    return (
      covers &&
      isNow(certificate, nowMs) &&
      certificate.checkIssued(signer) &&
      certificate.verify(signer.publicKey) &&
      certificate.checkPrivateKey(createPrivateKey(serving.keyPem))
    );
  } catch {
    return false;
  }
}

/** Whether the certificate serves, and for more than a third of its life to come. */
export function isStillGood(...[serving, ca, names, nowMs]: Parameters<typeof serves>): boolean {
  if (!serves(serving, ca, names, nowMs)) return false;
  return certificateEndMs(serving.certificatePem) - nowMs > (SERVING_DAYS * DAY_MS) / 3;
}

/** Whether the CA would sign no better one: this one is still good, or serves until the CA itself ends. */
export function isAsGoodAsNew(...[serving, ca, names, nowMs]: Parameters<typeof serves>): boolean {
  if (isStillGood(serving, ca, names, nowMs)) return true;
  if (!serves(serving, ca, names, nowMs)) return false;
  return certificateEndMs(serving.certificatePem) >= certificateEndMs(ca.certificatePem);
}

/** Whether the CA can sign in its time: its key belongs to it and is of a kind that signs here. */
export function isCaWithKey(ca: CertificateAndKey): boolean {
  try {
    const certificate = new X509Certificate(ca.certificatePem);
    const key = createPrivateKey(ca.keyPem);
    return certificate.ca && signatureAlgorithmOf(key) !== undefined && certificate.checkPrivateKey(key);
  } catch {
    return false;
  }
}

/** Whether the CA can sign now: it has begun and not ended. */
export function isUsableCa(ca: CertificateAndKey, nowMs: number): boolean {
  return isCaWithKey(ca) && isNow(new X509Certificate(ca.certificatePem), nowMs);
}
