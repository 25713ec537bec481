/** The endorsement key certificate that the maker of the TPM left in NV memory. */

import { readEkCertificate, stripTcgCertificateWrapper } from "@rancheros/protocol/tpm";
import type { EkCertificate } from "@rancheros/protocol/tpm";

import { nvIndexText } from "./endorsement-kind.ts";
import { TpmError } from "./errors.ts";
import { isAbsent, readNvIndex, whyClosed } from "./nv-index.ts";
import type { Tpm2 } from "./tpm2.ts";

export type FoundCertificate =
  | { readonly kind: "found"; readonly certificate: EkCertificate }
  | { readonly kind: "absent" }
  | { readonly kind: "unreadable"; readonly problem: TpmError };

/** @throws TpmError for everything that is no answer about the certificate: no TPM, busy, timed out */
export async function readEndorsementCertificate(tpm2: Tpm2, index: number): Promise<FoundCertificate> {
  let bytes: Uint8Array;
  try {
    bytes = await readNvIndex(tpm2, index);
  } catch (error) {
    if (isAbsent(error)) return { kind: "absent" };
    const why = whyClosed(error);
    if (why === undefined) throw error;
    return { kind: "unreadable", problem: unreadable(index, `is ${why}`, error) };
  }
  try {
    return { kind: "found", certificate: readEkCertificate(stripTcgCertificateWrapper(bytes)) };
  } catch (error) {
    return { kind: "unreadable", problem: unreadable(index, "cannot be read as X.509", error) };
  }
}

function unreadable(index: number, what: string, cause: unknown): TpmError {
  const nvIndex = nvIndexText(index);
  return new TpmError("TPM_EK_CERTIFICATE_UNREADABLE", `the endorsement key certificate in NV ${nvIndex} ${what}`, {
    cause,
    details: { nvIndex },
  });
}
