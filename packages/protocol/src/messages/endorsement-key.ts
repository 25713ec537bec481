/** The endorsement key on the wire: one PEM block, a certificate if the TPM has one, otherwise the bare key. */
import { decodeBase64 } from "./base64.ts";

export type EndorsementKey =
  | { readonly type: "certificate"; readonly certificateDer: Buffer }
  | { readonly type: "public-key"; readonly spkiDer: Buffer };

const PEM_TYPES = { certificate: "CERTIFICATE", "public-key": "PUBLIC KEY" } as const;
const PEM = /^\s*-----BEGIN (CERTIFICATE|PUBLIC KEY)-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END \1-----\s*$/;

/** @returns PEM as Go's pem.EncodeToMemory writes it: lines of 64 characters, a newline at the end */
export function formatEndorsementKey(ek: EndorsementKey): string {
  const label = PEM_TYPES[ek.type];
  const der = ek.type === "certificate" ? ek.certificateDer : ek.spkiDer;
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.map((line) => `${line}\n`).join("")}-----END ${label}-----\n`;
}

/**
 * @param pem  text of one block; what is inside is not looked at
 * @returns `undefined` for anything but exactly one CERTIFICATE or PUBLIC KEY block
 */
export function parseEndorsementKey(pem: string): EndorsementKey | undefined {
  const match = PEM.exec(pem);
  const der = decodeBase64((match?.[2] ?? "").replaceAll(/[\r\n]/g, ""));
  if (match === null || der === undefined || der.length === 0) {
    return undefined;
  }
  return match[1] === PEM_TYPES.certificate
    ? { type: "certificate", certificateDer: der }
    : { type: "public-key", spkiDer: der };
}
