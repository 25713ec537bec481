/** Who may come in through a registration, and as what: the same for both protocols. */
import { EMPTY_REPORT, type Approval, type MachineReport, type TrustClass } from "@rancheros/protocol/attestation";
import type { EndorsementKey } from "@rancheros/protocol/messages";
import {
  CHALLENGE_ANNOTATION,
  EK_CERTIFICATE_ANNOTATION,
  EK_CERTIFICATE_ROOT_ANNOTATION,
  PROTOCOL_ANNOTATION,
  TRUST_LABEL,
  type MachineRegistration,
} from "@rancheros/protocol/resources";
import {
  judgeMachine,
  refuseTakenBack,
  verifyEkCertificate,
  withSentIntermediates,
  type EkVerdict,
  type TrustAnchorStore,
} from "../attestation/index.ts";
import type { ChosenMetadata, InventoryEntry } from "../inventory/index.ts";
import {
  acceptClientLabels,
  buildInventory,
  type RegistrationGate,
  type RegistrationIndex,
} from "../registration/index.ts";
import { SessionError } from "./errors.ts";
import type { FailedChallenges } from "./failed-challenges.ts";

export interface DoorParts {
  readonly registrations: RegistrationIndex;
  readonly entrance: RegistrationGate<InventoryEntry>;
  readonly anchors: TrustAnchorStore;
  readonly failures: FailedChallenges;
  readonly nowMs: () => number;
}

/**
 * Asks who vouches for the key, and whether that is enough.
 * @param registration  whose anchors count and whose demands; undefined where the operator's own do, and nothing is demanded
 * @param isEntry       false for a machine that was let in before and goes on: then nothing is demanded
 * @throws AttestationError, KubernetesError
 */
export async function judge(
  { anchors, nowMs }: Pick<DoorParts, "anchors" | "nowMs">,
  registration: Pick<MachineRegistration, "spec"> | undefined,
  namespace: string,
  machine: { readonly ekHash: string; readonly ek: EndorsementKey; readonly ekChain?: readonly Buffer[] },
  isEntry = true,
): Promise<EkVerdict> {
  const attestation = registration?.spec.attestation;
  const found = await anchors.anchorsFor({ namespace, spec: { attestation } });
  const der = machine.ek.type === "certificate" ? machine.ek.certificateDer : undefined;
  const expired = attestation?.expiredCertificates === "refuse" ? "refuse" : "accept";
  const verdict = verifyEkCertificate(der, withSentIntermediates(found, machine.ekChain ?? []), {
    nowMs: nowMs(),
    expired,
  });
  refuseTakenBack(found.refused, { ekHash: machine.ekHash, verdict });
  if (registration !== undefined && isEntry) judgeMachine(attestation, { ekHash: machine.ekHash, verdict });
  return verdict;
}

/**
 * Asks once more, when the challenge was answered: what the registration demands may have changed while the TPM worked.
 * @param machine  trust: what `judge` found out before the challenge
 * @throws AttestationError EK_REFUSED, EK_NOT_ALLOWED, TRUST_CLASS_NOT_PROVED; KubernetesError
 */
export async function judgeAgain(
  { anchors }: Pick<DoorParts, "anchors">,
  registration: MachineRegistration,
  { ekHash, trust }: { readonly ekHash: string; readonly trust: TrustClass },
): Promise<void> {
  const { namespace } = registration.metadata;
  const { attestation } = registration.spec;
  const { refused } = await anchors.anchorsFor({ namespace, spec: { attestation } });
  const machine = { ekHash, verdict: { class: trust, ekHash, problem: undefined } };
  refuseTakenBack(refused, machine);
  judgeMachine(attestation, machine);
}

/** @throws SessionError MACHINE_NOT_APPROVED, MACHINE_DENIED */
export function refuseUnlessApproved(
  approval: Approval,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): void {
  if (approval === "Denied") throw new SessionError("MACHINE_DENIED", "this machine was denied");
  if (approval === "Approved") return;
  const patch = `'{"spec":{"approval":"Approved"}}'`;
  throw new SessionError(
    "MACHINE_NOT_APPROVED",
    `waits for approval: kubectl -n ${namespace} patch minv ${name} --type=merge -p ${patch}`,
  );
}

/** What is known of a machine that comes for the first time. */
export interface NewMachine {
  readonly ekHash: string;
  readonly smbios: Readonly<Record<string, unknown>> | undefined;
  readonly trust: TrustClass;
  /** See ShownCertificate. */
  readonly root: string | undefined;
  readonly certificateSha256: string | undefined;
  readonly protocol: number;
  /** See challengeText; undefined for the legacy protocol, whose challenges are of one connection. */
  readonly challenge: string | undefined;
  /** What it says of itself beside that. */
  readonly report?: MachineReport | undefined;
}

export interface ChosenByMachine extends ChosenMetadata {
  /** Keys that it wished for in vain. */
  readonly notAccepted: readonly string[];
}

/** What a machine chose for itself, as far as its registration lets it; what the registration itself sets comes first. */
export function chosenBy(
  registration: MachineRegistration | undefined,
  report: MachineReport | undefined,
): ChosenByMachine {
  if (registration === undefined || report === undefined) return { labels: {}, annotations: {}, notAccepted: [] };
  const { spec } = registration;
  const accepted = acceptClientLabels(spec, report);
  const without = (texts: Readonly<Record<string, string>>, set: object | null | undefined) =>
    Object.fromEntries(Object.entries(texts).filter(([key]) => !Object.hasOwn(set ?? {}, key)));
  return {
    labels: without(accepted.labels, spec.machineInventoryLabels),
    annotations: without(accepted.annotations, spec.machineInventoryAnnotations),
    notAccepted: accepted.dropped,
  };
}

/** The whole MachineInventory of a new machine: one write makes it, with all that refusals are decided by later. */
export function newInventory(registration: MachineRegistration, machine: NewMachine, attempt: number) {
  const { name, namespace } = registration.metadata;
  const { ekHash, smbios, trust, root, certificateSha256, protocol, challenge, report = EMPTY_REPORT } = machine;
  const said = { ekHash, smbios, hardware: report.hardware };
  const built = buildInventory({ name, namespace, spec: registration.spec }, said, attempt);
  const chosen = chosenBy(registration, report);
  const { labels, annotations } = built.metadata;
  const isManual = registration.spec.attestation?.approval === "manual";
  return {
    ...built,
    metadata: {
      ...built.metadata,
      labels: { ...chosen.labels, ...labels, [TRUST_LABEL]: trust },
      annotations: {
        ...chosen.annotations,
        ...annotations,
        [PROTOCOL_ANNOTATION]: String(protocol),
        ...(challenge === undefined ? {} : { [CHALLENGE_ANNOTATION]: challenge }),
        ...(certificateSha256 === undefined ? {} : { [EK_CERTIFICATE_ANNOTATION]: certificateSha256 }),
        ...(root === undefined ? {} : { [EK_CERTIFICATE_ROOT_ANNOTATION]: root }),
      },
    },
    spec: { ...built.spec, ...(isManual ? { approval: "Pending" } : {}) },
  };
}
