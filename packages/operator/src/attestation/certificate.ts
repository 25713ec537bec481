/** X.509 certificates of TPMs and of those who vouch for them: read as bytes, so that what is judged is what was signed. */
import type { X509Certificate } from "node:crypto";
import { DER_TAG, DerReader, openX509, TpmFormatError, type DerElement } from "@rancheros/protocol/tpm";

/** Identifiers as they stand in the bytes. Arcs: RFC 5280 section 4.2.1; TCG EK Credential Profile 2.6 section 3.2. */
export const OID = {
  BASIC_CONSTRAINTS: "551d13",
  KEY_USAGE: "551d0f",
  SUBJECT_ALTERNATIVE_NAME: "551d11",
  EXTENDED_KEY_USAGE: "551d25",
  CERTIFICATE_POLICIES: "551d20",
  SUBJECT_KEY_IDENTIFIER: "551d0e",
  AUTHORITY_KEY_IDENTIFIER: "551d23",
  /** 2.23.133.8.1 tcg-kp-EKCertificate */
  EK_CERTIFICATE: "6781050801",
  /** 2.23.133.2.1 to 2.23.133.2.3 */
  TPM_MANUFACTURER: "6781050201",
  TPM_MODEL: "6781050202",
  TPM_VERSION: "6781050203",
} as const;

const TAG = { BOOLEAN: 0x01, KEY_IDENTIFIER: 0x80, EXTENSIONS: 0xa3, UNIQUE_IDS: [0x81, 0x82, 0xa1, 0xa2] } as const;
const V3 = 2;

export interface CertificateExtension {
  readonly critical: boolean;
  readonly value: Buffer;
}

export interface Certificate {
  /** The certificate alone, without what followed it. */
  readonly der: Buffer;
  /** For its fields, and nothing that depends on its bytes: see openX509; for its times see validityOf. */
  readonly x509: X509Certificate;
  /** What the signature is about. */
  readonly tbsDer: Buffer;
  readonly isV3: boolean;
  /** Big-endian two's complement. */
  readonly serialNumber: Buffer;
  readonly issuerDer: Buffer;
  readonly hasIssuer: boolean;
  readonly subjectDer: Buffer;
  readonly spkiDer: Buffer;
  /** By identifier in hex. */
  readonly extensions: ReadonlyMap<string, CertificateExtension>;
  /** Identifier in hex; both places that name it agree. */
  readonly signatureAlgorithm: string;
  readonly signature: Buffer;
}

/**
 * Reads a certificate and judges nothing. Lengths and serial numbers may be spelled longer than needed, as some
 * makers' are.
 * @param bytes  DER, followed by anything
 * @throws TpmFormatError TPM_FORMAT_CERTIFICATE, or an OpenSSL error
 */
export function readCertificate(bytes: Uint8Array): Certificate {
  const outer = new DerReader(bytes, "TPM_FORMAT_CERTIFICATE", "Certificate").read(DER_TAG.SEQUENCE, "sequence");
  return { ...readParts(outer), x509: openX509(outer.whole) };
}

function readParts(outer: DerElement): Omit<Certificate, "x509"> {
  const parts = new DerReader(outer.content, "TPM_FORMAT_CERTIFICATE", "Certificate");
  const tbs = parts.read(DER_TAG.SEQUENCE, "tbsCertificate");
  const outerAlgorithm = parts.read(DER_TAG.SEQUENCE, "signatureAlgorithm");
  const signature = parts.read(DER_TAG.BIT_STRING, "signatureValue").content;
  parts.finish();
  if (signature[0] !== 0) throw parts.failure("signatureValue", "is not a whole number of bytes");

  const fields = new DerReader(tbs.content, "TPM_FORMAT_CERTIFICATE", "tbsCertificate");
  const isV3 = readVersion(fields) === V3;
  const serialNumber = fields.read(DER_TAG.INTEGER, "serialNumber").content;
  const innerAlgorithm = fields.read(DER_TAG.SEQUENCE, "signature");
  if (!innerAlgorithm.whole.equals(outerAlgorithm.whole)) {
    throw fields.failure("signature", "differs from signatureAlgorithm");
  }
  const issuer = fields.read(DER_TAG.SEQUENCE, "issuer");
  fields.read(DER_TAG.SEQUENCE, "validity");
  const subjectDer = fields.read(DER_TAG.SEQUENCE, "subject").whole;
  const spkiDer = fields.read(DER_TAG.SEQUENCE, "subjectPublicKeyInfo").whole;
  for (const tag of TAG.UNIQUE_IDS) if (fields.nextTag === tag) fields.read(tag, "uniqueID");
  const extensions = fields.nextTag === TAG.EXTENSIONS ? readExtensions(fields) : new Map<string, never>();
  fields.finish();

  const algorithm = new DerReader(outerAlgorithm.content, "TPM_FORMAT_CERTIFICATE", "signatureAlgorithm");
  return {
    der: outer.whole,
    tbsDer: tbs.whole,
    isV3,
    serialNumber,
    issuerDer: issuer.whole,
    hasIssuer: issuer.content.length > 0,
    subjectDer,
    spkiDer,
    extensions,
    signatureAlgorithm: algorithm.read(DER_TAG.OBJECT_IDENTIFIER, "algorithm").content.toString("hex"),
    signature: signature.subarray(1),
  };
}

/** As the bytes number them: 0 is version 1. */
function readVersion(fields: DerReader): number | undefined {
  if (fields.nextTag !== DER_TAG.CONTEXT_0) return 0;
  const version = fields.enter(DER_TAG.CONTEXT_0, "version");
  const { content } = version.read(DER_TAG.INTEGER, "version");
  version.finish();
  return content.length === 1 ? content[0] : undefined;
}

function readExtensions(fields: DerReader): ReadonlyMap<string, CertificateExtension> {
  const wrapper = fields.enter(TAG.EXTENSIONS, "extensions");
  const list = wrapper.enter(DER_TAG.SEQUENCE, "extensions");
  wrapper.finish();
  const extensions = new Map<string, CertificateExtension>();
  while (list.remainingBytes > 0) {
    const extension = list.enter(DER_TAG.SEQUENCE, "extension");
    const oid = extension.read(DER_TAG.OBJECT_IDENTIFIER, "extnID").content.toString("hex");
    const critical = extension.nextTag === TAG.BOOLEAN && isTrue(extension.read(TAG.BOOLEAN, "critical").content);
    const value = extension.read(DER_TAG.OCTET_STRING, "extnValue").content;
    extension.finish();
    // Which of two would count is a matter of taste, and so a way to be read in two ways.
    if (extensions.has(oid)) throw list.failure("extension", "comes twice");
    extensions.set(oid, { critical, value });
  }
  return extensions;
}

function isTrue(content: Buffer): boolean {
  return content.some((byte) => byte !== 0);
}

function extensionReader(certificate: Certificate, oid: string, what: string): DerReader | undefined {
  const extension = certificate.extensions.get(oid);
  return extension === undefined ? undefined : new DerReader(extension.value, "TPM_FORMAT_CERTIFICATE", what);
}

export interface BasicConstraints {
  readonly ca: boolean;
  /** CAs that may stand below this one. */
  readonly pathLength: number | undefined;
}

/** @returns undefined where there are none @throws TpmFormatError, as the next ones */
export function basicConstraintsOf(certificate: Certificate): BasicConstraints | undefined {
  const outer = extensionReader(certificate, OID.BASIC_CONSTRAINTS, "basicConstraints");
  if (outer === undefined) return undefined;
  const fields = outer.enter(DER_TAG.SEQUENCE, "sequence");
  outer.finish();
  const ca = fields.nextTag === TAG.BOOLEAN && isTrue(fields.read(TAG.BOOLEAN, "cA").content);
  let pathLength: number | undefined;
  if (fields.nextTag === DER_TAG.INTEGER) {
    const { content } = fields.read(DER_TAG.INTEGER, "pathLenConstraint");
    const [first] = content;
    if (content.length !== 1 || first === undefined || first >= 0x80) {
      throw fields.failure("pathLenConstraint", "is no small number");
    }
    pathLength = first;
  }
  fields.finish();
  return { ca, pathLength };
}

export interface KeyUsage {
  readonly keyEncipherment: boolean;
  readonly keyAgreement: boolean;
  readonly keyCertSign: boolean;
}

/** Bits are counted from the highest: RFC 5280 section 4.2.1.3. */
export function keyUsageOf(certificate: Certificate): KeyUsage | undefined {
  const outer = extensionReader(certificate, OID.KEY_USAGE, "keyUsage");
  if (outer === undefined) return undefined;
  const { content } = outer.read(DER_TAG.BIT_STRING, "bits");
  outer.finish();
  const bits = content[1] ?? 0;
  return {
    keyEncipherment: (bits & 0x20) !== 0,
    keyAgreement: (bits & 0x08) !== 0,
    keyCertSign: (bits & 0x04) !== 0,
  };
}

/** @returns identifiers in hex; undefined where the certificate may be used for everything */
export function extendedKeyUsageOf(certificate: Certificate): readonly string[] | undefined {
  const outer = extensionReader(certificate, OID.EXTENDED_KEY_USAGE, "extKeyUsage");
  if (outer === undefined) return undefined;
  const list = outer.enter(DER_TAG.SEQUENCE, "sequence");
  outer.finish();
  const purposes: string[] = [];
  while (list.remainingBytes > 0) {
    purposes.push(list.read(DER_TAG.OBJECT_IDENTIFIER, "purpose").content.toString("hex"));
  }
  return purposes;
}

/** The name that the certificate gives its own key. @returns undefined where it gives none that can be read */
export function subjectKeyIdOf(certificate: Certificate): Buffer | undefined {
  return readable(() => {
    const outer = extensionReader(certificate, OID.SUBJECT_KEY_IDENTIFIER, "subjectKeyIdentifier");
    const id = outer?.read(DER_TAG.OCTET_STRING, "keyIdentifier").content;
    outer?.finish();
    return id;
  });
}

/** The name of the key that signed it, as subjectKeyIdOf. Its issuer's name and serial number are passed over. */
export function authorityKeyIdOf(certificate: Certificate): Buffer | undefined {
  return readable(() => {
    const outer = extensionReader(certificate, OID.AUTHORITY_KEY_IDENTIFIER, "authorityKeyIdentifier");
    const fields = outer?.enter(DER_TAG.SEQUENCE, "sequence");
    outer?.finish();
    return fields?.nextTag === TAG.KEY_IDENTIFIER
      ? fields.read(TAG.KEY_IDENTIFIER, "keyIdentifier").content
      : undefined;
  });
}

/** Key identifiers are hints: one that is broken gives none, and makes a certificate neither better nor worse. */
function readable(read: () => Buffer | undefined): Buffer | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof TpmFormatError) return undefined;
    throw error;
  }
}
