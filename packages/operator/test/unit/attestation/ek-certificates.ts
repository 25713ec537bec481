/** Certificates of an invented TPM maker, and how the verifier answers them. */
import { expect } from "vitest";
import { trustAnchors, verifyEkCertificate } from "../../../src/attestation/index.ts";
import type { EkVerdict, TrustAnchors } from "../../../src/attestation/index.ts";
import {
  createAuthority,
  createCertificate,
  ekExtensions,
  type CertificateParts,
  type MadeAuthority,
} from "../../../../../test/software-tpm/index.ts";
import { hex, swtpm } from "./swtpm-vectors.ts";

export const NOW = Date.parse("2027-06-01T00:00:00Z");
export const rsaSpki = hex(swtpm.endorsementKeys.rsa.spki);
export const eccSpki = hex(swtpm.endorsementKeys.ecc.spki);

export const root = createAuthority("Example TPM Root CA");
export const intermediate = createAuthority("Example TPM Manufacturing CA 007", root);
export const anchors = trustAnchors({ "hardware.pem": root.pem, "intermediate.pem": intermediate.pem });

export function ek(overrides: Partial<CertificateParts> = {}, issuer: MadeAuthority = intermediate): Buffer {
  const parts = { spkiDer: rsaSpki, issuer: issuer.name, extensions: ekExtensions(), ...overrides };
  return createCertificate(issuer.key, parts);
}

export function verdictOf(
  der: Buffer | undefined,
  below: TrustAnchors = anchors,
  expired: "accept" | "refuse" = "accept",
) {
  return verifyEkCertificate(der, below, { nowMs: NOW, expired });
}

export function codeOf(verdict: EkVerdict): string {
  // A problem and a class never come together.
  expect(verdict.class === "none").toBe(verdict.problem !== undefined);
  expect(verdict.class === "none").toBe(verdict.ekHash === undefined);
  return verdict.problem?.code ?? verdict.class;
}
