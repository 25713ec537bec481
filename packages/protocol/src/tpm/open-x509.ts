/** Certificates that makers have signed with a serial number that OpenSSL does not read, given to it so that it does. */
import { X509Certificate } from "node:crypto";
import { DER_TAG, DerReader, encodeDer } from "./der.ts";

const CODE = "TPM_FORMAT_CERTIFICATE";

/**
 * Gives OpenSSL a certificate whose serial number may be written with more bytes than it needs, as Nuvoton and
 * STMicroelectronics have done. The result is for reading and comparing fields: its bytes and its signature are those of the
 * copy that OpenSSL was given, so a signature is verified over the original bytes and never with its verify().
 * @param der  one certificate and nothing after it
 * @throws TpmFormatError TPM_FORMAT_CERTIFICATE if the bytes hold another certificate; an OpenSSL error
 */
export function openX509(der: Uint8Array): X509Certificate {
  const copy = withShortSerial(der);
  const certificate = new X509Certificate(copy);
  // node:crypto looks for PEM first, anywhere in the bytes. Lengths may be spelled otherwise in what it gives back.
  const { raw } = certificate;
  if (raw.equals(copy) || signedPart(raw).equals(signedPart(copy))) return certificate;
  throw new DerReader(der, CODE, "Certificate").failure("sequence", "holds another one");
}

function signedPart(der: Uint8Array): Buffer {
  return new DerReader(der, CODE, "Certificate")
    .enter(DER_TAG.SEQUENCE, "sequence")
    .read(DER_TAG.SEQUENCE, "tbsCertificate").whole;
}

/** @returns the same bytes where the serial number is short already, so that nothing else is ever spelled anew */
function withShortSerial(der: Uint8Array): Uint8Array {
  const parts = new DerReader(der, CODE, "Certificate").enter(DER_TAG.SEQUENCE, "sequence");
  const fields = parts.enter(DER_TAG.SEQUENCE, "tbsCertificate");
  const version =
    fields.nextTag === DER_TAG.CONTEXT_0 ? fields.read(DER_TAG.CONTEXT_0, "version").whole : Buffer.alloc(0);
  const serial = fields.read(DER_TAG.INTEGER, "serialNumber").content;
  const short = shortestInteger(serial);
  if (short.length === serial.length) return der;
  const tbs = encodeDer(DER_TAG.SEQUENCE, version, encodeDer(DER_TAG.INTEGER, short), fields.rest());
  return encodeDer(DER_TAG.SEQUENCE, tbs, parts.rest());
}

/** Without the bytes that only repeat the sign. X.690 section 8.3.2. */
function shortestInteger(content: Buffer): Buffer {
  const isNegative = (content[0] ?? 0) >= 0x80;
  const sign = isNegative ? 0xff : 0;
  let start = 0;
  while (start < content.length - 1 && content[start] === sign && (content[start + 1] ?? 0) >= 0x80 === isNegative) {
    start += 1;
  }
  return content.subarray(start);
}
