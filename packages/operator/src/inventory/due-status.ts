/** What the status of a MachineInventory still lacks: said by its labels and its spec, and written when there is time. */
import type { TrustClass } from "@rancheros/protocol/attestation";
import {
  EK_CERTIFICATE_ANNOTATION,
  EK_CERTIFICATE_ROOT_ANNOTATION,
  PROTOCOL_ANNOTATION,
  TRUST_LABEL,
  type MachineInventory,
} from "@rancheros/protocol/resources";
import { approvalFinding, ATTESTED, trustClassOf, withFindings, type Finding } from "./conditions.ts";
import { timeText } from "./time-text.ts";

/** prompt: what the status says is wrong. later: it says nothing yet. */
export type StatusUrgency = "prompt" | "later";

/** The class with which a machine was let in by a visit that wrote no status: the legacy protocol's writes once. */
function labelledClass({ metadata, status }: MachineInventory): TrustClass | undefined {
  if (status?.attestation !== undefined) return undefined;
  return trustClassOf(metadata.labels?.[TRUST_LABEL]);
}

/** Whether anything was ever decided about the machine; one that is only expected needs no conditions. */
function isDecided(inventory: MachineInventory): boolean {
  const { metadata, spec, status } = inventory;
  const isShown = (status?.conditions ?? []).some(({ type }) => type === "Approved");
  return isShown || Boolean(spec.approval) || metadata.labels?.[TRUST_LABEL] !== undefined;
}

function attestationOf({ metadata }: MachineInventory, trust: TrustClass): object {
  const protocol = Number(metadata.annotations?.[PROTOCOL_ANNOTATION]);
  const certificateSha256 = metadata.annotations?.[EK_CERTIFICATE_ANNOTATION];
  const root = metadata.annotations?.[EK_CERTIFICATE_ROOT_ANNOTATION];
  return {
    class: trust,
    ...(Number.isInteger(protocol) ? { protocol } : {}),
    ...(metadata.creationTimestamp === undefined ? {} : { time: metadata.creationTimestamp }),
    ...(root === undefined ? {} : { root }),
    ...(certificateSha256 === undefined ? {} : { certificateSha256 }),
  };
}

function decidedFindings(inventory: MachineInventory, trust: TrustClass | undefined): readonly Finding[] {
  if (!isDecided(inventory)) return [];
  return [...(trust === undefined ? [] : [ATTESTED[trust]]), approvalFinding(inventory)];
}

/**
 * The fields of the status to write, the other fields stay; undefined where all is there.
 * @param beside  what its labels and its spec as it was read do not say
 */
export function dueStatus(
  inventory: MachineInventory,
  nowMs: number,
  beside: readonly Finding[] = [],
): Readonly<Record<string, unknown>> | undefined {
  if (inventory.metadata.deletionTimestamp !== undefined) return undefined;
  const trust = labelledClass(inventory);
  const findings = [...decidedFindings(inventory, trust), ...beside];
  const old = inventory.status?.conditions ?? [];
  const conditions = withFindings(old, findings, timeText(nowMs));
  if (conditions === old && trust === undefined) return undefined;
  return { conditions, ...(trust === undefined ? {} : { attestation: attestationOf(inventory, trust) }) };
}

/** Whether `dueStatus` has something to write, and how soon. */
export function statusUrgency(inventory: MachineInventory, beside: readonly Finding[] = []): StatusUrgency | undefined {
  if (dueStatus(inventory, 0, beside) === undefined) return undefined;
  const shown = (inventory.status?.conditions ?? []).find(({ type }) => type === "Approved");
  return shown === undefined || shown.reason === approvalFinding(inventory).reason ? "later" : "prompt";
}
