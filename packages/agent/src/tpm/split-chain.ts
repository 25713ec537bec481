/** Certificates that lie one behind the other in a TPM's NV memory. */
import { EK_CHAIN_MAX_CERTIFICATES } from "@rancheros/protocol/attestation";
import { DER_TAG, DerReader, openX509, TpmFormatError } from "@rancheros/protocol/tpm";

/**
 * Takes what can be read as X.509 out of the contents of NV indices. A certificate may begin in one index and end in the next,
 * and what is no DER fills an index up: then the next one begins with another certificate.
 * @param contents  of the indices, in the order of their numbers
 * @returns at most EK_CHAIN_MAX_CERTIFICATES, each once; never throws for any bytes
 * Source: TCG EK Credential Profile 2.5, 2.2.1.5.2
 */
export function splitChain(contents: readonly Uint8Array[]): readonly Buffer[] {
  const bytes = Buffer.concat(contents);
  const certificates: Buffer[] = [];
  let at = 0;
  while (at < bytes.length && certificates.length < EK_CHAIN_MAX_CERTIFICATES) {
    const element = elementAt(bytes.subarray(at));
    if (element !== undefined && isNewCertificate(element, certificates)) certificates.push(element);
    at = element === undefined ? nextStart(contents, at) : at + element.length;
  }
  return certificates;
}

function elementAt(bytes: Buffer): Buffer | undefined {
  try {
    return new DerReader(bytes, "TPM_FORMAT_CERTIFICATE", "chain").read(DER_TAG.SEQUENCE, "certificate").whole;
  } catch (error) {
    if (error instanceof TpmFormatError) return undefined;
    throw error;
  }
}

function isNewCertificate(der: Buffer, known: readonly Buffer[]): boolean {
  try {
    openX509(der);
  } catch {
    // Whatever is wrong with it, it leads nowhere.
    return false;
  }
  return !known.some((one) => one.equals(der));
}

/** @returns where the index after this place begins, counted over all of them */
function nextStart(contents: readonly Uint8Array[], at: number): number {
  let end = 0;
  for (const { length } of contents) {
    end += length;
    if (end > at) break;
  }
  return end;
}
