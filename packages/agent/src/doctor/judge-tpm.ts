/** What the TPM's state and its certificate mean for this machine. */
import { X509Certificate } from "node:crypto";

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

/** A chain of a TPM has a root and one or two CAs in between. */
const MAX_CHAIN = 8;

export interface CertificateCheck {
  readonly nowMs: number;
  /** PEM of the makers' CAs that are believed, roots and those in between; undefined: the chain is not followed. */
  readonly authorities: string | undefined;
}

/** @throws TpmError TPM_EK_CERTIFICATE_UNREADABLE; DoctorError DOCTOR_EK_CHAIN_UNKNOWN */
export function judgeCertificate({ source }: EndorsementKey, check: CertificateCheck): Verdict<undefined> {
  if (source.kind === "template") {
    if (source.certificateProblem !== undefined) throw source.certificateProblem;
    return warn(new DoctorError("DOCTOR_EK_CERTIFICATE_ABSENT", `the TPM holds no certificate: ${source.why}`));
  }
  const { issuer, notBefore, notAfter, certificateDer } = source;
  const names = oneLine(issuer);
  const chain = check.authorities === undefined ? undefined : followChain(certificateDer, check.authorities);
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

/** By names and signatures. Any of the given CAs that signs itself ends it. */
function followChain(certificateDer: Uint8Array, authorities: string): Chain {
  const known = readCertificates(authorities);
  if (known.length === 0) return { kind: "broken", why: "--ek-ca holds no certificate that can be read" };
  let at: X509Certificate;
  try {
    at = new X509Certificate(certificateDer);
  } catch {
    return { kind: "broken", why: "it cannot be read" };
  }
  for (let length = 0; length < MAX_CHAIN; length++) {
    const from = at;
    const issuer = known.find((one) => isIssuer(from, one));
    if (issuer === undefined) return { kind: "broken", why: `${oneLine(at.issuer)} is not among them` };
    if (issuer.checkIssued(issuer)) return { kind: "complete", root: oneLine(issuer.subject) };
    at = issuer;
  }
  return { kind: "broken", why: "it is too long" };
}

function isIssuer(certificate: X509Certificate, candidate: X509Certificate): boolean {
  try {
    return certificate.checkIssued(candidate) && certificate.verify(candidate.publicKey);
  } catch {
    return false;
  }
}

function readCertificates(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return [];
    }
  });
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
