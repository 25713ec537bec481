/** Makes the operator's own CA and serving certificate. ECDSA P-256: a handshake costs the operator a tenth of RSA's. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import forge from "node-forge";

const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
const DAY_MS = 86_400_000;
const CA_DAYS = 3650;
const SERVING_DAYS = 365;
/** Clocks of machines without a battery lag: certificates begin a day early. */
const EARLY_DAYS = 1;
const CA_NAME = "rancheros-operator-ca";

export interface CertificateAndKey {
  readonly certificatePem: string;
  readonly keyPem: string;
}

interface Template {
  readonly commonName: string;
  readonly issuer: forge.pki.CertificateField[];
  readonly days: number;
  readonly extensions: readonly object[];
  readonly nowMs: number;
  readonly serial: Uint8Array;
}

function derOf(pem: string): forge.util.ByteStringBuffer {
  const key = createPublicKey(pem).export({ type: "spki", format: "der" });
  return forge.util.createBuffer(key.toString("binary"));
}

function algorithm(): forge.asn1.Asn1 {
  const { asn1 } = forge;
  const oid = asn1.oidToDer(ECDSA_WITH_SHA256).getBytes();
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [
    asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OID, false, oid),
  ]);
}

/** node-forge writes the certificate but knows RSA keys only: its key and its algorithm are put in their places here. */
function signedCertificate(template: Template, subjectKeyPem: string, issuerKeyPem: string): string {
  const { asn1, pki } = forge;
  const certificate = pki.createCertificate();
  certificate.publicKey = pki.setRsaPublicKey(new forge.jsbn.BigInteger("3"), new forge.jsbn.BigInteger("3"));
  // The first bit of a serial number must be 0, or it would be negative.
  certificate.serialNumber = `00${Buffer.from(template.serial).toString("hex")}`;
  certificate.validity.notBefore = new Date(template.nowMs - EARLY_DAYS * DAY_MS);
  certificate.validity.notAfter = new Date(template.nowMs + template.days * DAY_MS);
  certificate.setSubject([{ name: "commonName", value: template.commonName }]);
  certificate.setIssuer(template.issuer);
  certificate.setExtensions([...template.extensions]);
  certificate.siginfo.algorithmOid = ECDSA_WITH_SHA256;
  certificate.signatureOid = ECDSA_WITH_SHA256;
  const unsigned = pki.certificateToAsn1(certificate).value;
  const toBeSigned = typeof unsigned === "string" ? undefined : unsigned[0];
  if (toBeSigned === undefined || typeof toBeSigned.value === "string") {
    throw new TypeError("node-forge made no certificate");
  }
  // Version, serial, algorithm, issuer, validity, subject, key: RFC 5280 section 4.1.
  toBeSigned.value.splice(2, 1, algorithm());
  toBeSigned.value.splice(6, 1, asn1.fromDer(derOf(subjectKeyPem)));
  const signature = sign("sha256", Buffer.from(asn1.toDer(toBeSigned).getBytes(), "binary"), issuerKeyPem);
  const bits = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.BITSTRING, false, `\0${signature.toString("binary")}`);
  const whole = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [toBeSigned, algorithm(), bits]);
  return new X509Certificate(Buffer.from(asn1.toDer(whole).getBytes(), "binary")).toString();
}

function newKeyPem(): string {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" });
}

/** A new CA that can sign serving certificates and nothing below them. */
export function makeCa(nowMs: number, random: (bytes: number) => Uint8Array): CertificateAndKey {
  const keyPem = newKeyPem();
  const commonName = CA_NAME;
  const certificatePem = signedCertificate(
    {
      commonName,
      issuer: [{ name: "commonName", value: commonName }],
      days: CA_DAYS,
      extensions: [
        { name: "basicConstraints", cA: true, pathLenConstraint: 0, critical: true },
        { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
      ],
      nowMs,
      serial: random(16),
    },
    keyPem,
    keyPem,
  );
  return { certificatePem, keyPem };
}

/** @param names  host names and addresses that machines use */
export function makeServingCertificate(
  ca: CertificateAndKey,
  names: readonly string[],
  nowMs: number,
  random: (bytes: number) => Uint8Array,
): CertificateAndKey {
  const keyPem = newKeyPem();
  const altNames = names.map((name) => (isIP(name) === 0 ? { type: 2, value: name } : { type: 7, ip: name }));
  const certificatePem = signedCertificate(
    {
      commonName: "rancheros-operator",
      issuer: [{ name: "commonName", value: CA_NAME }],
      days: SERVING_DAYS,
      extensions: [
        { name: "basicConstraints", cA: false, critical: true },
        { name: "keyUsage", digitalSignature: true, critical: true },
        { name: "extKeyUsage", serverAuth: true },
        { name: "subjectAltName", altNames },
      ],
      nowMs,
      serial: random(16),
    },
    keyPem,
    ca.keyPem,
  );
  return { certificatePem, keyPem };
}

/**
 * Whether the certificate still serves: signed by this CA with this key, for all these names, and for more than a third
 * of its life to come.
 */
export function isStillGood(
  serving: CertificateAndKey,
  ca: CertificateAndKey,
  names: readonly string[],
  nowMs: number,
): boolean {
  try {
    const certificate = new X509Certificate(serving.certificatePem);
    const signer = new X509Certificate(ca.certificatePem);
    const covers = names.every((name) =>
      isIP(name) === 0 ? certificate.checkHost(name) !== undefined : certificate.checkIP(name) !== undefined,
    );
    const leftMs = Date.parse(certificate.validTo) - nowMs;
    return (
      covers &&
      leftMs > (SERVING_DAYS * DAY_MS) / 3 &&
      certificate.verify(signer.publicKey) &&
      certificate.checkPrivateKey(createPrivateKey(serving.keyPem))
    );
  } catch {
    return false;
  }
}
