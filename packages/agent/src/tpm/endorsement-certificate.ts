/** The endorsement key certificate that the maker of the TPM left in NV index 0x01C00002. */

import { NV_RSA_EK_CERTIFICATE, readEkCertificate, stripTcgCertificateWrapper } from "@rancheros/protocol/tpm";
import type { EkCertificate } from "@rancheros/protocol/tpm";

import { TpmError } from "./errors.ts";
import { isAbsent, readNvIndex, whyClosed } from "./nv-index.ts";
import type { Tpm2 } from "./tpm2.ts";

export type FoundCertificate =
  | { readonly kind: "found"; readonly certificate: EkCertificate }
  | { readonly kind: "absent" }
  | { readonly kind: "unreadable"; readonly problem: TpmError };

/** @throws TpmError for everything that is no answer about the certificate: no TPM, busy, timed out */
export async function readEndorsementCertificate(tpm2: Tpm2): Promise<FoundCertificate> {
  let bytes: Uint8Array;
  try {
    bytes = await readNvIndex(tpm2, NV_RSA_EK_CERTIFICATE);
  } catch (error) {
    if (isAbsent(error)) return { kind: "absent" };
    const why = whyClosed(error);
    if (why === undefined) throw error;
    return { kind: "unreadable", problem: unreadable(`is ${why}`, error) };
  }
  try {
    return { kind: "found", certificate: readEkCertificate(stripTcgCertificateWrapper(bytes)) };
  } catch (error) {
    return { kind: "unreadable", problem: unreadable("cannot be read as X.509", error) };
  }
}

function unreadable(what: string, cause: unknown): TpmError {
  const nvIndex = "0x01c00002";
  return new TpmError("TPM_EK_CERTIFICATE_UNREADABLE", `the endorsement key certificate in NV ${nvIndex} ${what}`, {
    cause,
    details: { nvIndex },
  });
}
