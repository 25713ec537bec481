/** What the TPM's state and its certificate mean for this machine. */
import type { X509Certificate } from "node:crypto";

import { isSignedWith, openX509, signedBytesOf } from "@rancheros/protocol/tpm";

import { TpmError, type EndorsementKey, type TpmState } from "../tpm/index.ts";
import { DoctorError } from "./errors.ts";
import { ok, warn, type Verdict } from "./verdict.ts";

/** @throws TpmError TPM_LOCKOUT, TPM_HIERARCHY_DISABLED, TPM_AUTHORISATION_SET */
export function judgeTpmState(state: TpmState): Verdict<undefined> {
  const { failedLogins, maxFailedLogins, lockoutIntervalSeconds } = state;
  const counter = `${failedLogins} of ${maxFailedLogins} wrong passwords`;
  if (state.isLockedOut) {
    const forgets = lockoutIntervalSeconds === 0 ? "it forgets none" : `it forgets one in ${lockoutIntervalSeconds} s`;
    throw new TpmError("TPM_LOCKOUT", `the TPM is in lockout after ${counter}; ${forgets}`, {
      details: { failedLogins, maxFailedLogins, lockoutIntervalSeconds },
    });
  }
  if (!state.isEndorsementEnabled) {
    throw new TpmError("TPM_HIERARCHY_DISABLED", "the TPM's endorsement hierarchy is switched off");
  }
  if (state.hasEndorsementPassword) {
    throw new TpmError("TPM_AUTHORISATION_SET", "the TPM's endorsement hierarchy has a password");
  }
  if (failedLogins === 0) return ok("is not locked, and nobody has tried passwords");
  return warn(
    new DoctorError("DOCTOR_TPM_FAILED_LOGINS", `the TPM remembers ${counter}`, {
      details: { failedLogins, maxFailedLogins },
    }),
  );
}

/** A chain of a TPM has a root and one to five CAs in between. */
const MAX_CHAIN = 8;

export interface CertificateCheck {
  readonly nowMs: number;
  /** PEM of the makers' CAs that are believed, roots and those in between; undefined: the chain is not followed. */
  readonly authorities: string | undefined;
  /** See Tpm.readEndorsementChain. */
  readonly chain: readonly Uint8Array[];
}

/** @throws TpmError TPM_EK_CERTIFICATE_UNREADABLE; DoctorError DOCTOR_EK_CHAIN_UNKNOWN */
export function judgeCertificate({ source }: EndorsementKey, check: CertificateCheck): Verdict<undefined> {
  if (source.kind === "template") {
    if (source.certificateProblem !== undefined) throw source.certificateProblem;
    return warn(new DoctorError("DOCTOR_EK_CERTIFICATE_ABSENT", `the TPM holds no certificate: ${source.why}`));
  }
  const { issuer, notBefore, notAfter, certificateDer } = source;
  const names = oneLine(issuer);
  const { authorities } = check;
  const chain = authorities === undefined ? undefined : followChain(certificateDer, authorities, check.chain);
  if (chain?.kind === "broken") {
    throw new DoctorError("DOCTOR_EK_CHAIN_UNKNOWN", `the certificate of ${names} leads to no given CA: ${chain.why}`);
  }
  const isPast = notAfter.getTime() < check.nowMs;
  if (isPast || notBefore.getTime() > check.nowMs) {
    const when = isPast ? `expired on ${day(notAfter)}` : `is valid from ${day(notBefore)} on`;
    return warn(new DoctorError("DOCTOR_EK_CERTIFICATE_EXPIRED", `the certificate of ${names} ${when}`));
  }
  const leads =
    chain === undefined ? "whether the operator believes that is told by attestation" : `leads to ${chain.root}`;
  return ok(`issued by ${names}, valid until ${day(notAfter)}; ${leads}`);
}

type Chain = { readonly kind: "complete"; readonly root: string } | { readonly kind: "broken"; readonly why: string };

interface Known {
  /** For its fields: see openX509. */
  readonly x509: X509Certificate;
  readonly der: Uint8Array;
  /** By who asks, and so one that may end a chain. */
  readonly isGiven: boolean;
}

/** By names and signatures. Any of the given CAs that signs itself ends it; what the TPM holds only leads there. */
function followChain(certificateDer: Uint8Array, authorities: string, chain: readonly Uint8Array[]): Chain {
  const given = pemBodies(authorities).flatMap((der) => known(der, true));
  if (given.length === 0) return { kind: "broken", why: "--ek-ca holds no certificate that can be read" };
  const all = [...given, ...chain.flatMap((der) => known(der, false))];
  const [first] = known(certificateDer, false);
  if (first === undefined) return { kind: "broken", why: "it cannot be read" };
  let at: Known = first;
  for (let length = 0; length < MAX_CHAIN; length++) {
    const from: Known = at;
    const issuer = all.find((one) => isIssuer(from, one));
    if (issuer === undefined) return { kind: "broken", why: `${oneLine(at.x509.issuer)} is not among them` };
    const isRoot = issuer.isGiven && issuer.x509.checkIssued(issuer.x509);
    if (isRoot) return { kind: "complete", root: oneLine(issuer.x509.subject) };
    at = issuer;
  }
  return { kind: "broken", why: "it is too long" };
}

function isIssuer({ x509, der }: Known, { x509: candidate }: Known): boolean {
  try {
    const { publicKey } = candidate;
    if (!x509.checkIssued(candidate)) return false;
    // The first is of more algorithms, the second of certificates whose bytes OpenSSL was given another spelling of.
    return x509.verify(publicKey) || isSignedWith(publicKey, signedBytesOf(der));
  } catch {
    return false;
  }
}

function known(der: Uint8Array, isGiven: boolean): readonly Known[] {
  try {
    return [{ x509: openX509(der), der, isGiven }];
  } catch {
    return [];
  }
}

function pemBodies(pem: string): readonly Buffer[] {
  const blocks = pem.matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/g);
  return [...blocks].map(([, body = ""]) => Buffer.from(body, "base64"));
}

function day(date: Date): string {
  return Number.isNaN(date.getTime()) ? "nobody knows when" : date.toISOString().slice(0, 10);
}

/** Names that others wrote. */
function oneLine(name: string): string {
  return (
    name
      .replaceAll(/[\p{Cc}\s]+/gu, " ")
      .trim()
      .slice(0, 200) || "a CA without a name"
  );
}
