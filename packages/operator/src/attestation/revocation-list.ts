/** Certificate revocation lists, read as bytes: which serial numbers their issuer takes back. */
import { DER_TAG, DerReader, type DerElement } from "@rancheros/protocol/tpm";

/** Identifiers as they stand in the bytes. Arcs: RFC 5280 sections 5.2 and 5.3. */
const OID = {
  CRL_NUMBER: "551d14",
  DELTA_CRL_INDICATOR: "551d1b",
  ISSUING_DISTRIBUTION_POINT: "551d1c",
  CERTIFICATE_ISSUER: "551d1d",
} as const;
const TAG = { BOOLEAN: 0x01, UTC_TIME: 0x17, GENERALIZED_TIME: 0x18, INDIRECT: 0x84 } as const;
const UTC_TIME = /^(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/;
const GENERALIZED_TIME = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/;
/** RFC 5280 section 4.1.2.2. */
const SERIAL_MAX_BYTES = 20;

export interface RevocationList {
  /** What the signature is about. */
  readonly tbsDer: Buffer;
  readonly issuerDer: Buffer;
  /** Identifier in hex; both places that name it agree. */
  readonly signatureAlgorithm: string;
  readonly signature: Buffer;
  /** When its issuer promised the next one; undefined where it promised none. */
  readonly nextUpdate: Date | undefined;
  /** See serialText. */
  readonly serialNumbers: ReadonlySet<string>;
}

/** How serial numbers are compared: hex, without the zeros that some write before them. */
export function serialText(serialNumber: Uint8Array): string {
  const first = serialNumber.findIndex((byte) => byte !== 0);
  return Buffer.from(first === -1 ? [] : serialNumber.subarray(first)).toString("hex");
}

/**
 * Reads a list and judges no signature. Lists that say less than all about their issuer's own certificates are not read:
 * those of other issuers' certificates, and those that only say what has changed.
 * @param bytes  DER of a CertificateList, and nothing after it
 * @throws TpmFormatError TPM_FORMAT_CERTIFICATE
 * Source: RFC 5280 section 5.1
 */
export function readRevocationList(bytes: Uint8Array): RevocationList {
  const outer = new DerReader(bytes, "TPM_FORMAT_CERTIFICATE", "CertificateList");
  const parts = outer.enter(DER_TAG.SEQUENCE, "sequence");
  outer.finish();
  const tbs = parts.read(DER_TAG.SEQUENCE, "tbsCertList");
  const outerAlgorithm = parts.read(DER_TAG.SEQUENCE, "signatureAlgorithm");
  const signature = parts.read(DER_TAG.BIT_STRING, "signatureValue").content;
  parts.finish();
  if (signature[0] !== 0) throw parts.failure("signatureValue", "is not a whole number of bytes");

  const fields = new DerReader(tbs.content, "TPM_FORMAT_CERTIFICATE", "tbsCertList");
  if (fields.nextTag === DER_TAG.INTEGER) fields.read(DER_TAG.INTEGER, "version");
  const innerAlgorithm = fields.read(DER_TAG.SEQUENCE, "signature");
  if (!innerAlgorithm.whole.equals(outerAlgorithm.whole)) {
    throw fields.failure("signature", "differs from signatureAlgorithm");
  }
  const issuerDer = fields.read(DER_TAG.SEQUENCE, "issuer").whole;
  readTime(fields, "thisUpdate");
  const nextUpdate = isTime(fields.nextTag) ? readTime(fields, "nextUpdate") : undefined;
  const revoked =
    fields.nextTag === DER_TAG.SEQUENCE ? fields.enter(DER_TAG.SEQUENCE, "revokedCertificates") : undefined;
  if (fields.nextTag === DER_TAG.CONTEXT_0) readListExtensions(fields);
  fields.finish();

  const algorithm = new DerReader(outerAlgorithm.content, "TPM_FORMAT_CERTIFICATE", "signatureAlgorithm");
  return {
    tbsDer: tbs.whole,
    issuerDer,
    signatureAlgorithm: algorithm.read(DER_TAG.OBJECT_IDENTIFIER, "algorithm").content.toString("hex"),
    signature: signature.subarray(1),
    nextUpdate,
    serialNumbers: revoked === undefined ? new Set() : readSerialNumbers(revoked),
  };
}

function readSerialNumbers(revoked: DerReader): ReadonlySet<string> {
  const serialNumbers = new Set<string>();
  while (revoked.remainingBytes > 0) {
    const entry = revoked.enter(DER_TAG.SEQUENCE, "entry");
    const { content } = entry.read(DER_TAG.INTEGER, "userCertificate");
    const serial = serialText(content);
    // Two digits a byte; without the zero before a number whose highest bit is set, and those that some write beside it.
    if (serial.length > 2 * SERIAL_MAX_BYTES) throw entry.failure("userCertificate", "is longer than 20 bytes");
    readTime(entry, "revocationDate");
    if (entry.remainingBytes > 0) {
      const extensions = entry.enter(DER_TAG.SEQUENCE, "crlEntryExtensions");
      refuseForeign(readExtensions(extensions), OID.CERTIFICATE_ISSUER, extensions);
    }
    entry.finish();
    serialNumbers.add(serial);
  }
  return serialNumbers;
}

function readListExtensions(fields: DerReader): void {
  const wrapper = fields.enter(DER_TAG.CONTEXT_0, "crlExtensions");
  const list = wrapper.enter(DER_TAG.SEQUENCE, "crlExtensions");
  wrapper.finish();
  const extensions = readExtensions(list);
  if (extensions.some(({ oid }) => oid === OID.DELTA_CRL_INDICATOR)) {
    throw list.failure("deltaCRLIndicator", "says that the list holds changes only");
  }
  const point = extensions.find(({ oid }) => oid === OID.ISSUING_DISTRIBUTION_POINT);
  if (point !== undefined) refuseIndirect(point.value);
  for (const { oid, critical } of extensions) {
    if (critical && oid !== OID.ISSUING_DISTRIBUTION_POINT && oid !== OID.CRL_NUMBER) {
      throw list.failure("crlExtensions", "hold a critical one that is not known");
    }
  }
}

function refuseIndirect(value: Buffer): void {
  const outer = new DerReader(value, "TPM_FORMAT_CERTIFICATE", "issuingDistributionPoint");
  const fields = outer.enter(DER_TAG.SEQUENCE, "sequence");
  outer.finish();
  for (let tag = fields.nextTag; tag !== undefined; tag = fields.nextTag) {
    const { content } = fields.read(tag, "field");
    if (tag === TAG.INDIRECT && content.some((byte) => byte !== 0)) {
      throw fields.failure("indirectCRL", "says that the list is about other issuers' certificates");
    }
  }
}

interface ListExtension {
  readonly oid: string;
  readonly critical: boolean;
  readonly value: Buffer;
}

function refuseForeign(extensions: readonly ListExtension[], oid: string, where: DerReader): void {
  if (extensions.some((one) => one.oid === oid)) throw where.failure("certificateIssuer", "names another issuer");
}

function readExtensions(list: DerReader): readonly ListExtension[] {
  const extensions: ListExtension[] = [];
  while (list.remainingBytes > 0) {
    const extension = list.enter(DER_TAG.SEQUENCE, "extension");
    const oid = extension.read(DER_TAG.OBJECT_IDENTIFIER, "extnID").content.toString("hex");
    const hasFlag = extension.nextTag === TAG.BOOLEAN;
    const critical = hasFlag && extension.read(TAG.BOOLEAN, "critical").content.some((byte) => byte !== 0);
    extensions.push({ oid, critical, value: extension.read(DER_TAG.OCTET_STRING, "extnValue").content });
    extension.finish();
  }
  return extensions;
}

function isTime(tag: number | undefined): boolean {
  return tag === TAG.UTC_TIME || tag === TAG.GENERALIZED_TIME;
}

/** Both forms of RFC 5280 section 4.1.2.5. */
function readTime(fields: DerReader, field: string): Date {
  const { nextTag } = fields;
  const element: DerElement = fields.read(nextTag === TAG.UTC_TIME ? TAG.UTC_TIME : TAG.GENERALIZED_TIME, field);
  const form = element.tag === TAG.UTC_TIME ? UTC_TIME : GENERALIZED_TIME;
  const [, ...parts] = form.exec(element.content.toString("latin1")) ?? [];
  const [year = Number.NaN, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map(Number);
  const century = element.tag !== TAG.UTC_TIME ? 0 : year < 50 ? 2000 : 1900;
  const date = new Date(Date.UTC(century + year, month - 1, day, hour, minute, second));
  if (Number.isNaN(date.getTime())) throw fields.failure(field, "is no time");
  return date;
}
