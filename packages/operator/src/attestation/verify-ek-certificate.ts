/** Who vouches for an endorsement key, and for what: docs/trust.md tells what each check proves. */
import { createHash } from "node:crypto";
import {
  decodeSubjectPublicKey,
  EK_CERTIFICATE_MAX_BYTES,
  ekHash,
  encodeSubjectPublicKey,
  validityOf,
  type SubjectPublicKey,
} from "@rancheros/protocol/tpm";
import { hasOnlyKnownCriticals } from "./authority.ts";
import { basicConstraintsOf, extendedKeyUsageOf, keyUsageOf, OID, readCertificate } from "./certificate.ts";
import type { Certificate } from "./certificate.ts";
import { CLOCK_SKEW_MS, findRoot, type ChainOptions } from "./ek-chain.ts";
import { ATTESTATION_ERRORS } from "./errors.ts";
import { tpmDescriptionOf } from "./tpm-description.ts";
import { isRefused, type TrustAnchors } from "./trust-anchors.ts";
import type { EkProblemCode, EkVerdict } from "./trust-class.ts";

interface EkParts {
  readonly certificate: Certificate;
  readonly key: SubjectPublicKey;
  /** Of what the certificate says itself; undefined where nothing is wrong with it. */
  readonly problem: EkProblemCode | undefined;
}

/** Without certificate. */
const NOBODY: EkVerdict = {
  class: "none",
  ekHash: undefined,
  root: undefined,
  certificateSha256: undefined,
  notAfter: undefined,
  tpm: undefined,
  problem: undefined,
};

function problemOf(code: EkProblemCode): { readonly class: "none"; readonly problem: EkVerdict["problem"] } {
  return { class: "none", problem: { code, message: ATTESTATION_ERRORS[code].meaning } };
}

/**
 * Checks the certificate of an endorsement key: form, purpose, dates, and the chain up to one of the anchors. The answer
 * is about the key in the certificate: see that the challenge is made for the same (verdict.ekHash).
 * @param der      as the machine sent it, followed by anything; undefined where it sent none
 * @param options  nowMs since 1970; expired: what to do with certificates whose time is over
 * @returns class none with a problem for everything that is not vouched for; never throws for any bytes
 * Source: TCG EK Credential Profile 2.6 section 3.2, RFC 5280 section 6
 */
export function verifyEkCertificate(
  der: Uint8Array | undefined,
  anchors: TrustAnchors,
  options: ChainOptions,
): EkVerdict {
  if (der === undefined || der.byteLength === 0) return { ...NOBODY, ...problemOf("EK_CERTIFICATE_MISSING") };
  const parts = readParts(der, options);
  if (parts === undefined) return { ...NOBODY, ...problemOf("EK_CERTIFICATE_UNREADABLE") };
  const { certificate, key } = parts;
  const facts = {
    ...NOBODY,
    certificateSha256: createHash("sha256").update(certificate.der).digest("hex"),
    notAfter: validityOf(certificate.x509).notAfter,
    tpm: tpmDescriptionOf(certificate),
  };
  if (isRefused(anchors, certificate)) return { ...facts, ...problemOf("EK_CERTIFICATE_REFUSED") };
  if (parts.problem !== undefined) return { ...facts, ...problemOf(parts.problem) };
  const chain = findRoot(certificate, anchors, options);
  if (chain.root === undefined) return { ...facts, ...problemOf(chain.problem) };
  const { root } = chain;
  return { ...facts, class: root.class, root: root.subject, ekHash: ekHash(encodeSubjectPublicKey(key)) };
}

function readParts(der: Uint8Array, options: ChainOptions): EkParts | undefined {
  if (der.byteLength > EK_CERTIFICATE_MAX_BYTES) return undefined;
  try {
    const certificate = readCertificate(der);
    const key = decodeSubjectPublicKey(certificate.spkiDer);
    return { certificate, key, problem: certificateProblem(certificate, key, options) };
  } catch {
    // Of the reader's kinds of failure and OpenSSL's, none makes a certificate more readable than another.
    return undefined;
  }
}

function certificateProblem(
  certificate: Certificate,
  key: SubjectPublicKey,
  { nowMs, expired }: ChainOptions,
): EkProblemCode | undefined {
  const { serialNumber, hasIssuer, isV3, x509 } = certificate;
  const hasSerial = (serialNumber[0] ?? 0x80) < 0x80 && serialNumber.some((byte) => byte !== 0);
  if (!isV3 || !hasSerial || !hasIssuer) return "EK_CERTIFICATE_FIELDS";
  const purpose = purposeProblem(certificate, key);
  if (purpose !== undefined) return purpose;
  const { notBefore, notAfter } = validityOf(x509);
  const [beginsMs, endsMs] = [notBefore.getTime(), notAfter.getTime()];
  if (Number.isNaN(beginsMs + endsMs)) return "EK_CERTIFICATE_UNREADABLE";
  if (beginsMs > nowMs + CLOCK_SKEW_MS) return "EK_CERTIFICATE_NOT_YET_VALID";
  return expired === "refuse" && endsMs < nowMs ? "EK_CERTIFICATE_EXPIRED" : undefined;
}

function purposeProblem(certificate: Certificate, key: SubjectPublicKey): EkProblemCode | undefined {
  const usage = keyUsageOf(certificate);
  if (basicConstraintsOf(certificate)?.ca === true || usage?.keyCertSign === true) return "EK_CERTIFICATE_IS_CA";
  const fits = key.type === "rsa" ? usage?.keyEncipherment : usage?.keyAgreement;
  const isForEk = extendedKeyUsageOf(certificate)?.includes(OID.EK_CERTIFICATE);
  if (fits === false || isForEk === false) return "EK_CERTIFICATE_USAGE";
  return hasOnlyKnownCriticals(certificate) ? undefined : "EK_CERTIFICATE_EXTENSION";
}
