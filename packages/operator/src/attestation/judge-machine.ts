/** Does a machine prove what its registration wants? */
import type { TrustClass } from "@rancheros/protocol/attestation";
import type { RegistrationAttestation } from "@rancheros/protocol/resources";
import { ATTESTATION_ERRORS, AttestationError } from "./errors.ts";
import { isRefusedAuthority, type TrustAnchors } from "./trust-anchors.ts";
import { isTakenBack, type EkVerdict } from "./trust-class.ts";

/** From weak to strong: a stronger class does for a weaker demand. */
const STRENGTH: Readonly<Record<TrustClass, number>> = { none: 0, virtual: 1, hardware: 2 };
const DEMAND = { any: 0, virtual: 1, hardware: 2 } as const;
const MEANINGS = {
  virtual: "a hypervisor or a chip maker vouches for the TPM",
  hardware: "a chip maker vouches for the TPM",
} as const;

export interface JudgedMachine {
  /** SHA-256 of the endorsement key that the challenge is made for, 64 hex digits in lower case. */
  readonly ekHash: string;
  readonly verdict: Pick<EkVerdict, "class" | "ekHash" | "problem">;
}

function demandOf(attestation: RegistrationAttestation | undefined): keyof typeof DEMAND {
  const wanted = attestation?.class ?? "any";
  // A word that the schema does not know asks for everything: a newer CRD's demand is not dropped by an older operator.
  return wanted === "any" || wanted === "virtual" ? wanted : "hardware";
}

/** Whether there is a root by which a machine could prove what the registration wants. */
export function isProvable(attestation: RegistrationAttestation | undefined, anchors: TrustAnchors): boolean {
  const demand = DEMAND[demandOf(attestation)];
  if (demand === DEMAND.any) return true;
  return anchors.roots.some((root) => STRENGTH[root.class] >= demand && !isRefusedAuthority(anchors, root));
}

/**
 * Settles when neither the machine's key nor its certificate was taken back. Asked of every machine, known ones and
 * those that come through a registration without demands among them.
 * @throws AttestationError EK_REFUSED, EK_CERTIFICATE_REFUSED, EK_CERTIFICATE_REVOKED
 */
export function refuseTakenBack(refused: ReadonlySet<string>, { ekHash, verdict }: JudgedMachine): void {
  const details = { ekHash };
  if (refused.has(ekHash)) {
    throw new AttestationError("EK_REFUSED", ATTESTATION_ERRORS.EK_REFUSED.meaning, { details });
  }
  const { problem } = verdict;
  if (isTakenBack(problem?.code)) throw new AttestationError(problem.code, problem.message, { details });
}

/**
 * Settles when the machine may go on to its challenge; what it proves is then `verdict.class`. An empty list of
 * endorsement keys lets nobody in, an absent one everybody.
 * @param attestation  spec.attestation of the registration; undefined asks for nothing
 * @throws AttestationError EK_NOT_ALLOWED, EK_CERTIFICATE_KEY_MISMATCH, TRUST_CLASS_NOT_PROVED (details: wanted, proved,
 *         reason: the verdict's problem)
 */
export function judgeMachine(attestation: RegistrationAttestation | undefined, machine: JudgedMachine): void {
  const { ekHash, verdict } = machine;
  const allowed = attestation?.endorsementKeys;
  if (allowed !== undefined && !allowed.includes(ekHash)) {
    throw new AttestationError("EK_NOT_ALLOWED", "the registration's list does not have this endorsement key", {
      details: { ekHash },
    });
  }
  if (verdict.class !== "none" && verdict.ekHash !== ekHash) {
    throw new AttestationError("EK_CERTIFICATE_KEY_MISMATCH", "the certificate is not for the endorsement key");
  }
  const wanted = demandOf(attestation);
  if (wanted === "any" || STRENGTH[verdict.class] >= DEMAND[wanted]) return;
  const proved = verdict.class === "none" ? "nobody vouches for it" : `its root is ${verdict.class}`;
  const why = verdict.problem?.message ?? proved;
  throw new AttestationError(
    "TRUST_CLASS_NOT_PROVED",
    `the registration wants proof that ${MEANINGS[wanted]}: ${why}`,
    { details: { ekHash, wanted, proved: verdict.class, reason: verdict.problem?.code ?? "" } },
  );
}
