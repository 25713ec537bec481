/** By what a machine recognises the server: the CAs that the system trusts, one CA that was given, or a fingerprint. */
import { X509Certificate, createHash } from "node:crypto";

import { RegistrationError } from "./errors.ts";

export type Trust =
  | { readonly kind: "system" }
  /** With what it held where it can be read once only; without, it is read whenever it counts. */
  | { readonly kind: "ca-file"; readonly path: string; readonly text?: string }
  /** From a cloud-config's registrationCACert. */
  | { readonly kind: "ca"; readonly pem: string }
  /** SHA-256 of the CA as the server hands it out; as people copy it, see `parsePin`. */
  | { readonly kind: "pin"; readonly pin: string };

const PEM_CERTIFICATE =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]+-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

/**
 * @param text  `sha256:` or `SHA256 Fingerprint=` and 64 hexadecimal digits, colons between them or not, as Rancher's
 *              CATTLE_CA_CHECKSUM, sha256sum and `openssl x509 -fingerprint -sha256` write it
 * @returns     64 lower-case digits
 * @throws RegistrationError REGISTRATION_TRUST_INVALID
 */
export function parsePin(text: string): string {
  const hex = text
    .trim()
    .replace(/^sha-?256(?: fingerprint)?[:=]/i, "")
    .replaceAll(":", "")
    .toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(hex)) {
    throw new RegistrationError("REGISTRATION_TRUST_INVALID", "the fingerprint is not 64 hexadecimal digits");
  }
  return hex;
}

/**
 * @param text   what should be one or more certificates as PEM
 * @param where  for the error
 * @returns      the certificates alone, in order
 * @throws RegistrationError REGISTRATION_TRUST_INVALID
 */
export function readCaCertificates(text: string, where: string): readonly string[] {
  const blocks = text.match(PEM_CERTIFICATE) ?? [];
  if (blocks.length === 0 || blocks.some((block) => readCertificate(block) === undefined)) {
    throw new RegistrationError("REGISTRATION_TRUST_INVALID", `${where} holds no certificate as PEM, or a broken one`);
  }
  return blocks;
}

/**
 * Decides whether what a server handed out over an unverified connection is what was pinned.
 * @param served  body of /v1-rancheros/cacerts as received
 * @param pin     64 lower-case digits: SHA-256 of the whole body, or of one certificate in it, as DER or as its PEM in a file
 * @returns       PEM of what the pin vouches for and of nothing else
 * @throws RegistrationError REGISTRATION_PIN_MISMATCH
 * Source: rancherd pkg/cacerts (the checksum is that of the body); openssl's fingerprint is that of the DER
 */
export function caFromPin(served: Uint8Array, pin: string): string {
  const text = Buffer.from(served.buffer, served.byteOffset, served.byteLength).toString("latin1");
  const certificates = (text.match(PEM_CERTIFICATE) ?? []).filter((block) => readCertificate(block) !== undefined);
  if (certificates.length === 0) throw mismatch("the server hands out no CA certificate");
  if (sha256(served) === pin) return certificates.join("\n");
  // A body of one certificate, whose checksum was taken, may have become one of two.
  const pinned = certificates.find((block) =>
    [readCertificate(block)?.raw ?? "", block, `${block}\n`].some((form) => sha256(form) === pin),
  );
  if (pinned === undefined) throw mismatch("the CA that the server hands out is another than the pinned one");
  return pinned;
}

function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function mismatch(message: string): RegistrationError {
  return new RegistrationError("REGISTRATION_PIN_MISMATCH", message);
}
