/** Certificates of endorsement keys, as they lie in a TPM's NV memory: seldom perfect, never trusted by being readable. */
import type { X509Certificate } from "node:crypto";
import { DER_TAG, DerReader } from "./der.ts";
import { TpmFormatError } from "./errors.ts";
import { openX509 } from "./open-x509.ts";
import { decodeSubjectPublicKey, encodeSubjectPublicKey } from "./subject-public-key.ts";
import type { SubjectPublicKey } from "./subject-public-key.ts";
import { validityOf, type Validity } from "./validity.ts";

export interface EkCertificate extends Validity {
  /** the certificate alone, without what followed it */
  readonly der: Buffer;
  /** bytes that followed the certificate; NV indices are often larger than what they hold */
  readonly trailingBytes: number;
  /** SubjectPublicKeyInfo in the canonical spelling: what `ekHash` hashes */
  readonly publicKeySpkiDer: Buffer;
  readonly key: SubjectPublicKey;
  /** for people to read, on one line; often empty for the subject */
  readonly issuer: string;
  readonly subject: string;
  /** lower case */
  readonly serialNumberHex: string;
}

/** The largest endorsement key certificate that is looked at; real ones have 0.8 to 1.8 KiB. */
export const EK_CERTIFICATE_MAX_BYTES = 8192;

/** TCG_PCCLIENT_STORED_CERT (TCG PC Client Specific Implementation Specification 1.21, 7.4.2). */
const TCG_WRAPPER = { tag: 0x1001, fullCertificate: 0, headerBytes: 5 } as const;

/**
 * Takes off the wrapper that some TPMs store their certificate in: tag 0x1001, type 0, two bytes of length.
 * @returns the wrapped bytes; the bytes as they are if there is no wrapper
 * @throws TpmFormatError TPM_FORMAT_CERTIFICATE if the wrapper holds no full certificate or claims more than there is
 */
export function stripTcgCertificateWrapper(bytes: Uint8Array): Buffer {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length < TCG_WRAPPER.headerBytes || view.readUInt16BE(0) !== TCG_WRAPPER.tag) {
    return view;
  }
  const end = TCG_WRAPPER.headerBytes + view.readUInt16BE(3);
  if (view.readUInt8(2) !== TCG_WRAPPER.fullCertificate || end > view.length) {
    throw new TpmFormatError("TPM_FORMAT_CERTIFICATE", "the TCG wrapper of the endorsement key certificate is broken");
  }
  return view.subarray(TCG_WRAPPER.headerBytes, end);
}

/**
 * Reads a certificate without judging it: chain, purpose and validity are the verifier's business.
 * @param bytes  DER, followed by anything; without the TCG wrapper
 * @throws TpmFormatError TPM_FORMAT_CERTIFICATE, TPM_FORMAT_KEY, TPM_FORMAT_KEY_ALGORITHM
 */
export function readEkCertificate(bytes: Uint8Array): EkCertificate {
  if (bytes.byteLength > EK_CERTIFICATE_MAX_BYTES) {
    const allowed = String(EK_CERTIFICATE_MAX_BYTES);
    throw new TpmFormatError(
      "TPM_FORMAT_CERTIFICATE",
      `the endorsement key certificate has more than ${allowed} bytes`,
    );
  }
  const outer = new DerReader(bytes, "TPM_FORMAT_CERTIFICATE", "Certificate");
  const { whole: der, content } = outer.read(DER_TAG.SEQUENCE, "sequence");
  const certificate = parseX509(der);
  const key = decodeSubjectPublicKey(findSubjectPublicKeyInfo(content));
  return {
    der,
    trailingBytes: outer.remainingBytes,
    publicKeySpkiDer: encodeSubjectPublicKey(key),
    key,
    issuer: onOneLine(certificate.issuer),
    subject: onOneLine(certificate.subject),
    ...validityOf(certificate),
    serialNumberHex: certificate.serialNumber.toLowerCase(),
  };
}

function parseX509(der: Buffer): X509Certificate {
  try {
    return openX509(der);
  } catch (cause) {
    if (cause instanceof TpmFormatError) throw cause;
    throw new TpmFormatError("TPM_FORMAT_CERTIFICATE", "the endorsement key certificate is not readable as X.509", {
      cause,
    });
  }
}

/** Found by hand because node:crypto gives no key for id-RSAES-OAEP, and re-encodes none. RFC 5280 section 4.1. */
function findSubjectPublicKeyInfo(certificateContent: Buffer): Buffer {
  const fields = new DerReader(certificateContent, "TPM_FORMAT_CERTIFICATE", "Certificate").enter(
    DER_TAG.SEQUENCE,
    "tbsCertificate",
  );
  if (fields.nextTag === DER_TAG.CONTEXT_0) {
    fields.read(DER_TAG.CONTEXT_0, "version");
  }
  fields.read(DER_TAG.INTEGER, "serialNumber");
  fields.read(DER_TAG.SEQUENCE, "signature");
  fields.read(DER_TAG.SEQUENCE, "issuer");
  fields.read(DER_TAG.SEQUENCE, "validity");
  fields.read(DER_TAG.SEQUENCE, "subject");
  return fields.read(DER_TAG.SEQUENCE, "subjectPublicKeyInfo").whole;
}

/** node:crypto answers `undefined` for an empty name, whatever its types say. */
function onOneLine(name: string | undefined): string {
  return (name ?? "").split("\n").join(", ");
}
