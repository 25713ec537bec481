/** The status of a MachineInventory after its machine has proved itself or has reported. */
import type { MachineReport } from "@rancheros/protocol/attestation";
import {
  ACCEPT_EK_CERTIFICATE_ANNOTATION,
  CHALLENGE_ANNOTATION,
  EK_CERTIFICATE_ANNOTATION,
  EK_CERTIFICATE_ROOT_ANNOTATION,
  PROTOCOL_ANNOTATION,
  TRUST_LABEL,
  type MachineInventory,
  type MachineInventoryStatus,
} from "@rancheros/protocol/resources";
import { challengeText, type ChallengeMark } from "./challenge-order.ts";
import { approvalFinding, ATTESTED, trustClassOf, withFindings, type Condition } from "./conditions.ts";
import {
  certificateAnnotations,
  changedFinding,
  isAccepted,
  recordedFindings,
  showsMissingRoot,
  type ShownCertificate,
} from "./ek-certificate.ts";
import { nodeStatus } from "./node-status.ts";
import { isUpgrading, rolloutFacts } from "./rollout-facts.ts";
import { timeText } from "./time-text.ts";

/** `status.lastSeen` alone is written at most this often. */
export const LAST_SEEN_INTERVAL_MS = 10 * 60_000;

/** What a machine has proved by its answer. */
export interface MachineProof extends ShownCertificate {
  readonly challenge: ChallengeMark;
  /** Whether it came through a MachineRegistration, and not for a session only. */
  readonly isRegistration: boolean;
  readonly protocol: number;
  readonly ekHash: string;
  readonly report: MachineReport | undefined;
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** What the report says, without what it leaves out: of that, the old stays. */
function reported(
  report: MachineReport | undefined,
  old: MachineInventoryStatus,
): Omit<Partial<MachineInventoryStatus>, "node"> & { readonly node?: Readonly<Record<string, unknown>> } {
  if (report === undefined) return {};
  const { addresses, os, agentVersion } = report;
  const node = nodeStatus(report.node, old.node);
  return {
    ...(addresses.length === 0 ? {} : { addresses: addresses.map(({ type, address }) => ({ type, address })) }),
    ...(os === undefined ? {} : { os: { name: os.name, version: os.version, image: os.image } }),
    ...(agentVersion === undefined ? {} : { agentVersion }),
    ...(node === undefined ? {} : { node }),
  };
}

/** The boot that the node was in by the report that is written. */
export function reportedBoot({ status }: MachineInventory): string | undefined {
  return status?.node?.bootID;
}

/** The challenge that was used up last for this machine. */
export function rememberedChallenge(inventory: MachineInventory): string | undefined {
  return inventory.status?.attestation?.challenge ?? inventory.metadata.annotations?.[CHALLENGE_ANNOTATION];
}

/** The fields of the status to write when a machine has proved itself; the other fields stay. */
export function provedStatus(
  inventory: MachineInventory,
  proof: MachineProof,
  nowMs: number,
): Readonly<Record<string, unknown>> {
  const now = timeText(nowMs);
  return {
    ...reported(proof.report, inventory.status ?? {}),
    attestation: {
      class: proof.trust,
      protocol: proof.protocol,
      time: now,
      challenge: challengeText(proof.challenge),
      // In a merge patch, null takes away what an earlier proof left.
      root: proof.root ?? null,
      certificateSha256: proof.certificateSha256 ?? null,
    },
    lastSeen: now,
    conditions: provedConditions(inventory, proof, now),
  };
}

/** @returns the old ones themselves where nothing is new */
function provedConditions(inventory: MachineInventory, { trust }: MachineProof, now: string): readonly Condition[] {
  const findings = [ATTESTED[trust], approvalFinding(inventory), ...recordedFindings(inventory)];
  return withFindings(inventory.status?.conditions ?? [], findings, now);
}

/**
 * The fields of the status to write when a machine shows a certificate that nobody has accepted: what was proved stays.
 * @param challenge  that was used up by that; undefined for rancherd's protocol
 */
export function changedStatus(
  inventory: MachineInventory,
  shown: ShownCertificate,
  challenge: ChallengeMark | undefined,
  nowMs: number,
): Readonly<Record<string, unknown>> | undefined {
  const old = inventory.status?.conditions ?? [];
  const conditions = withFindings(old, [changedFinding(inventory, shown)], timeText(nowMs));
  if (challenge !== undefined) return { attestation: { challenge: challengeText(challenge) }, conditions };
  return conditions === old ? undefined : { conditions };
}

/** The fields of the status to write when a machine that writes nothing else shows a certificate that may be recorded. */
export function certificateStatus(
  inventory: MachineInventory,
  { trust, root, certificateSha256 }: ShownCertificate,
  nowMs: number,
): Readonly<Record<string, unknown>> {
  const findings = [ATTESTED[trust], ...recordedFindings(inventory)];
  const conditions = withFindings(inventory.status?.conditions ?? [], findings, timeText(nowMs));
  return {
    attestation: { class: trust, root: root ?? null, certificateSha256: certificateSha256 ?? null },
    conditions,
  };
}

/**
 * The same of the root of the certificate that is recorded already; undefined where it says nothing of that yet, and the
 * annotations are what it is made of.
 */
export function rootStatus(
  inventory: MachineInventory,
  shown: ShownCertificate,
  nowMs: number,
): Readonly<Record<string, unknown>> | undefined {
  const isSaid = inventory.status?.attestation?.class !== undefined;
  return isSaid && showsMissingRoot(inventory, shown) ? certificateStatus(inventory, shown, nowMs) : undefined;
}

/** What is to be written of a report, and how soon. */
export interface ReportedStatus {
  /**
   * late: how a machine is that is being upgraded, which changes several times on the way. prompt: all else; its labels
   * and its place in any case, since machines are chosen by them.
   */
  readonly urgency: "prompt" | "late";
  readonly status: Readonly<Record<string, unknown>>;
}

/** @returns undefined where there is nothing to write yet */
export function reportedStatus(
  inventory: MachineInventory,
  report: MachineReport,
  nowMs: number,
): ReportedStatus | undefined {
  const now = timeText(nowMs);
  const old = inventory.status ?? {};
  const oldConditions = old.conditions ?? [];
  const conditions = withFindings(oldConditions, [approvalFinding(inventory)], now);
  const facts = reported(report, old);
  const isDue = conditions !== oldConditions || isNewPlace(facts, old) || isLongUnseen(old, nowMs);
  if (!isDue && !isNews(facts, old)) return undefined;
  const isPrompt = isDue || !isUpgrading(rolloutFacts(inventory));
  return { urgency: isPrompt ? "prompt" : "late", status: { ...facts, lastSeen: now, conditions } };
}

/** Whether the time at which the machine was last seen is to be written although nothing else is new. */
function isLongUnseen({ lastSeen }: MachineInventoryStatus, nowMs: number): boolean {
  const seenMs = Date.parse(lastSeen ?? "");
  // In a time to come a replica has seen it whose clock was wrong.
  return Number.isNaN(seenMs) || Math.abs(nowMs - seenMs) >= LAST_SEEN_INTERVAL_MS;
}

/** Whether the machine proves, for a session, what is written down already, and that not long ago. */
export function isKnownProof(inventory: MachineInventory, proof: MachineProof, nowMs: number): boolean {
  const { status = {} } = inventory;
  const old = status.attestation;
  if (proof.isRegistration || proof.report !== undefined || old === undefined) return false;
  return (
    old.class === proof.trust &&
    old.protocol === proof.protocol &&
    old.root === proof.root &&
    old.certificateSha256 === proof.certificateSha256 &&
    provedConditions(inventory, proof, timeText(nowMs)) === status.conditions &&
    provedMetadata(inventory, proof) === undefined &&
    !isLongUnseen(status, nowMs)
  );
}

/** Whether the machine is elsewhere than was written down, or has other labels. */
function isNewPlace({ addresses, node }: ReturnType<typeof reported>, old: MachineInventoryStatus): boolean {
  return (
    (addresses !== undefined && !isSame(addresses.map(pairOf), (old.addresses ?? []).map(pairOf))) ||
    (node !== undefined &&
      (node["labels"] !== undefined || node["name"] !== old.node?.name || node["uid"] !== old.node?.uid))
  );
}

/** Whether the machine says anything else that is not written down yet. */
function isNews(facts: ReturnType<typeof reported>, old: MachineInventoryStatus): boolean {
  const { os, agentVersion, node } = facts;
  return (
    node !== undefined ||
    (os !== undefined && !isSame(tripleOf(os), tripleOf(old.os ?? {}))) ||
    (agentVersion !== undefined && agentVersion !== old.agentVersion)
  );
}

/** The API server sorts an object's keys by itself: compared is in one order. */
function pairOf(address: { readonly type: string; readonly address: string }): readonly string[] {
  return [address.type, address.address];
}

function tripleOf(os: NonNullable<MachineInventoryStatus["os"]>): readonly string[] {
  return [os.name ?? "", os.version ?? "", os.image ?? ""];
}

type Texts = Readonly<Record<string, string>>;

/** Labels and annotations that a machine chose for itself, as far as its registration lets it. */
export interface ChosenMetadata {
  readonly labels: Texts;
  readonly annotations: Texts;
}

const NOTHING_CHOSEN: ChosenMetadata = { labels: {}, annotations: {} };

type TextPatch = Readonly<Record<string, string | null>>;

/** Of a merge patch, where null takes away. */
export interface MetadataPatch {
  readonly labels: TextPatch;
  readonly annotations: TextPatch;
}

function differing(wanted: TextPatch, present: Texts = {}): TextPatch {
  return Object.fromEntries(Object.entries(wanted).filter(([key, value]) => (present[key] ?? null) !== value));
}

/** What of it is to be written; undefined where it is there. What a machine does not name any more stays. */
export function chosenMetadata(inventory: MachineInventory, chosen: MetadataPatch): MetadataPatch | undefined {
  const labels = differing(chosen.labels, inventory.metadata.labels);
  const annotations = differing(chosen.annotations, inventory.metadata.annotations);
  return Object.keys(labels).length + Object.keys(annotations).length === 0 ? undefined : { labels, annotations };
}

/** Labels and annotations that say which certificate is recorded: a restored machine has nothing else that does. */
function certificateMetadata(inventory: MachineInventory, recorded: ShownCertificate): MetadataPatch {
  return {
    labels: { [TRUST_LABEL]: recorded.trust },
    annotations: {
      ...certificateAnnotations(recorded),
      // An administrator's word was for this once: a later change is another decision.
      ...(isAccepted(inventory, recorded) ? { [ACCEPT_EK_CERTIFICATE_ANNOTATION]: null } : {}),
    },
  };
}

/** What of that is to be written once this one is recorded; undefined where all is there. */
export function recordedMetadata(inventory: MachineInventory, recorded: ShownCertificate): MetadataPatch | undefined {
  return chosenMetadata(inventory, certificateMetadata(inventory, recorded));
}

/** The same of what the status records, where that is not noted beside it, as after a write that failed. */
export function unnotedMetadata(inventory: MachineInventory): MetadataPatch | undefined {
  const { class: said, root, certificateSha256 } = inventory.status?.attestation ?? {};
  const trust = trustClassOf(said);
  const { annotations = {} } = inventory.metadata;
  // Where the status knows no root, an annotation that has one says more.
  const isRoot = root === undefined || annotations[EK_CERTIFICATE_ROOT_ANNOTATION] === root;
  if (trust === undefined || (isRoot && annotations[EK_CERTIFICATE_ANNOTATION] === certificateSha256)) return undefined;
  return recordedMetadata(inventory, { trust, root, certificateSha256 });
}

/** Labels and annotations to write for a machine that was known before; undefined where they are right. */
export function provedMetadata(
  inventory: MachineInventory,
  proof: ShownCertificate & Pick<MachineProof, "protocol">,
  chosen: ChosenMetadata = NOTHING_CHOSEN,
): MetadataPatch | undefined {
  const known = Number(inventory.metadata.annotations?.[PROTOCOL_ANNOTATION] ?? 0);
  const newest = Number.isInteger(known) ? Math.max(known, proof.protocol) : proof.protocol;
  const { labels, annotations } = certificateMetadata(inventory, proof);
  return chosenMetadata(inventory, {
    labels: { ...chosen.labels, ...labels },
    annotations: { ...chosen.annotations, ...annotations, [PROTOCOL_ANNOTATION]: String(newest) },
  });
}
