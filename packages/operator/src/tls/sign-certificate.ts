/** Writes and signs an X.509 certificate, with the key of whatever CA. */
import { createHash, createPrivateKey, createPublicKey, sign, X509Certificate } from "node:crypto";
import forge from "node-forge";
import { subjectKeyIdOf } from "./read-extensions.ts";
import { signatureAlgorithmOf, type SignatureAlgorithm } from "./signature-algorithm.ts";

const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
const SUBJECT_KEY_IDENTIFIER = "2.5.29.14";

export interface Template {
  /** Also the issuer's where that is not given. */
  readonly commonName: string;
  /** PEM of the certificate whose key signs. */
  readonly issuerPem: string | undefined;
  /** Since the epoch, as `endMs`. */
  readonly beginMs: number;
  readonly endMs: number;
  /** In node-forge's words; identifiers of keys come by themselves. */
  readonly extensions: readonly object[];
  readonly isCa: boolean;
  readonly serial: Uint8Array;
}

function spkiOf(pem: string): forge.util.ByteStringBuffer {
  const key = createPublicKey(pem).export({ type: "spki", format: "der" });
  return forge.util.createBuffer(key.toString("binary"));
}

/** RFC 7093 section 2, method 1: which of several CAs a certificate is of is told by its key, not by names alone. */
function keyId(pem: string): string {
  const key = createPublicKey(pem).export({ type: "spki", format: "der" });
  return createHash("sha256").update(key).digest().subarray(0, 20).toString("binary");
}

function algorithmIn({ oid, hasNull }: SignatureAlgorithm): forge.asn1.Asn1 {
  const { asn1 } = forge;
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [
    asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OID, false, asn1.oidToDer(oid).getBytes()),
    ...(hasNull ? [asn1.create(asn1.Class.UNIVERSAL, asn1.Type.NULL, false, "")] : []),
  ]);
}

/** Of the CA's own certificate where that says one: a CA that others made may have computed it in another way. */
function authorityKeyId(issuerPem: string | undefined, subjectKeyPem: string): string {
  if (issuerPem === undefined) return keyId(subjectKeyPem);
  return subjectKeyIdOf(issuerPem)?.toString("binary") ?? keyId(issuerPem);
}

/** Version, serial, algorithm, issuer, validity, subject, key and extensions: RFC 5280 section 4.1. */
function fieldsOf(certificate: forge.asn1.Asn1): forge.asn1.Asn1[] {
  const [toBeSigned] = typeof certificate.value === "string" ? [] : certificate.value;
  if (toBeSigned === undefined || typeof toBeSigned.value === "string") {
    throw new TypeError("node-forge made no certificate");
  }
  return toBeSigned.value;
}

/** The subject as it is written in the certificate, byte for byte. */
function subjectOf(pem: string): forge.asn1.Asn1 {
  const der = forge.util.createBuffer(new X509Certificate(pem).raw.toString("binary"));
  const subject = fieldsOf(forge.asn1.fromDer(der))[5];
  if (subject === undefined) throw new TypeError("a certificate without a subject");
  return subject;
}

/**
 * node-forge writes the certificate but knows RSA keys only: its key and its algorithm are put in their places here.
 * @param issuerKeyPem  of a kind that signatureAlgorithmOf knows
 * @returns PEM
 */
export function signCertificate(template: Template, subjectKeyPem: string, issuerKeyPem: string): string {
  const { asn1, pki } = forge;
  const { issuerPem, isCa, commonName } = template;
  const octets = (bytes: string): forge.asn1.Asn1 =>
    asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OCTETSTRING, false, bytes);
  const certificate = pki.createCertificate();
  certificate.publicKey = pki.setRsaPublicKey(new forge.jsbn.BigInteger("3"), new forge.jsbn.BigInteger("3"));
  const serial = Buffer.from(template.serial);
  // The first bit must be 0, or the number would be negative, and one of the next must not, or its DER would be padded.
  serial.writeUInt8((serial.readUInt8() & 0x3f) | 0x40);
  certificate.serialNumber = serial.toString("hex");
  certificate.validity.notBefore = new Date(template.beginMs);
  certificate.validity.notAfter = new Date(template.endMs);
  certificate.setSubject([{ name: "commonName", value: commonName }]);
  certificate.setIssuer([{ name: "commonName", value: commonName }]);
  certificate.setExtensions([
    ...template.extensions,
    ...(isCa ? [{ id: SUBJECT_KEY_IDENTIFIER, value: octets(keyId(subjectKeyPem)) }] : []),
    { name: "authorityKeyIdentifier", keyIdentifier: authorityKeyId(issuerPem, subjectKeyPem) },
  ]);
  // Only so that node-forge writes anything: what the issuer signs by takes its place.
  certificate.siginfo.algorithmOid = ECDSA_WITH_SHA256;
  certificate.signatureOid = ECDSA_WITH_SHA256;
  const unsigned = pki.certificateToAsn1(certificate);
  const fields = fieldsOf(unsigned);
  const issuerKey = createPrivateKey(issuerKeyPem);
  const algorithm = signatureAlgorithmOf(issuerKey);
  if (algorithm === undefined) throw new TypeError("a CA's key of a kind that signs no certificates here");
  fields.splice(2, 1, algorithmIn(algorithm));
  if (issuerPem !== undefined) fields.splice(3, 1, subjectOf(issuerPem));
  fields.splice(6, 1, asn1.fromDer(spkiOf(subjectKeyPem)));
  const [toBeSigned] = typeof unsigned.value === "string" ? [] : unsigned.value;
  if (toBeSigned === undefined) throw new TypeError("node-forge made no certificate");
  const signature = sign(algorithm.hash, Buffer.from(asn1.toDer(toBeSigned).getBytes(), "binary"), issuerKey);
  const bits = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.BITSTRING, false, `\0${signature.toString("binary")}`);
  const whole = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [toBeSigned, algorithmIn(algorithm), bits]);
  return new X509Certificate(Buffer.from(asn1.toDer(whole).getBytes(), "binary")).toString();
}
