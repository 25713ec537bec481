/** What the attestation protocol's steps are made of. */
import type { Approval, MachineState } from "@rancheros/protocol/attestation";
import { OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION } from "@rancheros/protocol/attestation";
import { AttestationMessageError } from "@rancheros/protocol/attestation";
import type { MachineRegistration } from "@rancheros/protocol/resources";
import type { NamedMachine } from "@rancheros/protocol/templates";
import type { EndorsementKeyPolicy } from "../attestation/index.ts";
import type { InventoryClaims, InventoryIndex, MachineRecords } from "../inventory/index.ts";
import { reportSeconds } from "../registration/index.ts";
import type { SessionKeys } from "../session/index.ts";
import type { MachineStep } from "../telemetry/index.ts";
import type { Decide, Decision } from "./decision.ts";
import type { DoorParts } from "./door.ts";
import type { RolloutDesk } from "./rollout-desk.ts";
import type { SessionGates } from "./session-gate.ts";
import type { SessionPace } from "./session-pace.ts";

export interface ProtocolParts extends DoorParts {
  readonly inventories: InventoryIndex;
  readonly claims: InventoryClaims;
  /** The challenge that a machine used last before its inventory was deleted, where that was just now. */
  readonly deletedChallenge: (ekHash: string) => string | undefined;
  readonly records: MachineRecords;
  readonly rollouts: RolloutDesk;
  readonly keys: SessionKeys;
  /** Whether this is one of the TLS keys that machines may have in front of them; may look for a renewed one. */
  readonly isOwnChannel: (channel: Buffer) => Promise<boolean>;
  /** The config that this machine gets through this registration. @throws SessionError SERVER_URL_NOT_SET, OPERATOR_NOT_READY */
  readonly configFor: (registration: MachineRegistration, machine: NamedMachine) => Readonly<Record<string, unknown>>;
  /**
   * The CAs by which machines know the server; undefined where they need none, where they could not read them, and while
   * Rancher's are not read: machines keep what they were told before.
   */
  readonly caForMachines: () => string | undefined;
  readonly assertReady: () => void;
  readonly policy: Pick<EndorsementKeyPolicy, "acceptRoca" | "knownWeakHashes">;
  readonly random: (bytes: number) => Buffer;
  readonly gates: SessionGates;
  readonly pace: SessionPace;
  readonly decide: Decide;
  /** Told how long each request took and how it was answered; must not throw. */
  readonly observe: (step: MachineStep, status: number, durationMs: number) => void;
}

/** What a step finds out on its way, for whoever writes down how it ended. */
export interface Trace {
  readonly remoteAddress?: string | undefined;
  ekHash?: string;
  akName?: string;
  registration?: NonNullable<Decision["registration"]>;
  inventory?: NonNullable<Decision["inventory"]>;
  /** See Decision. */
  notAccepted?: readonly string[];
  /** When the visit began, as far as that is known: with the challenge, or with this request. */
  beganMs?: number;
  /** Set where the step decides something about a machine; a nonce is no decision. */
  outcome?: { readonly kind: Decision["kind"]; readonly reason: string };
}

/**
 * The version that both sides speak.
 * @param theirs  the newest one of the machine
 * @throws AttestationMessageError PROTOCOL_VERSION
 */
export function commonVersion(theirs: number): number {
  const common = Math.min(PROTOCOL_VERSION, theirs);
  if (common >= OLDEST_PROTOCOL_VERSION) return common;
  throw new AttestationMessageError(
    "PROTOCOL_VERSION",
    `this server speaks versions ${OLDEST_PROTOCOL_VERSION} to ${PROTOCOL_VERSION}, not ${theirs}`,
  );
}

/** All machines that wait together ask about so often a second, and each no more and no less often than that. */
export const PENDING_ASKS_PER_SECOND = 20;
export const PENDING_ASK_SECONDS = { shortest: 3, longest: 60 } as const;

/**
 * @param pending  how many machines wait
 * @param random   four bytes of it are used: half as much again is added, so that not all come at once
 */
export function nextAskInSeconds(
  approval: Approval,
  registration: MachineRegistration | undefined,
  pending: number,
  random: (bytes: number) => Buffer,
): number {
  if (approval === "Pending") {
    const { shortest, longest } = PENDING_ASK_SECONDS;
    const seconds = Math.min(longest, Math.max(shortest, Math.ceil(pending / PENDING_ASKS_PER_SECOND)));
    return seconds + (random(4).readUInt32BE() % (Math.ceil(seconds / 2) + 1));
  }
  return reportSeconds(registration?.spec);
}

export type MachineName = MachineState["machine"];
