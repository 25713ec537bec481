/** The headers by which a machine introduces itself. */
import {
  type AttestationData,
  HEADER_MAX_BYTES,
  SMBIOS_HEADER,
  formatAttestationHeader,
  formatSmbiosHeader,
} from "@rancheros/protocol/messages";

import { type Smbios, smbiosForHeader } from "../smbios/index.ts";
import type { AttestationKey, EndorsementKey } from "../tpm/index.ts";

/** For the request line and the other headers: host, those of the upgrade, and what proxies add on the way. */
const RESERVED_BYTES = 2048;

/**
 * What fits through servers that take headers of 8 KiB, nginx as an ingress first of all; the attestation has a header of
 * its own and stays below by itself.
 */
export const SMALL_SMBIOS_BYTES = 7 * 1024;

/** The machine's keys as both protocols carry them. */
export function wireKeys(ek: EndorsementKey, ak: AttestationKey): AttestationData {
  return {
    ek:
      ek.source.kind === "certificate"
        ? { type: "certificate", certificateDer: Buffer.from(ek.source.certificateDer) }
        : { type: "public-key", spkiDer: Buffer.from(ek.publicKeySpkiDer) },
    ak: {
      public: Buffer.from(ak.publicArea),
      createData: Buffer.from(ak.creationData),
      createAttestation: Buffer.from(ak.attestation),
      createSignature: Buffer.from(ak.signature),
    },
  };
}

/** @returns the value of the Authorization header, 3 to 6 KiB */
export function attestationHeader(ek: EndorsementKey, ak: AttestationKey): string {
  return formatAttestationHeader(wireKeys(ek, ak));
}

/**
 * @param authorization  value of that header
 * @param smbios         undefined to send none
 * @param maxSmbiosBytes cuts the report further than the protocol's limit does
 */
export function requestHeaders(
  authorization: string,
  smbios: Smbios | undefined,
  maxSmbiosBytes: number,
): Readonly<Record<string, string>> {
  if (smbios === undefined) return { authorization };
  const leftBytes = HEADER_MAX_BYTES - RESERVED_BYTES - authorization.length;
  const report = smbiosForHeader(smbios, Math.min(leftBytes, maxSmbiosBytes));
  return { authorization, [SMBIOS_HEADER]: formatSmbiosHeader(report) };
}
