/** Of a MachineInventory, what rollouts go by: where it belongs, its labels, how far its upgrade is. */
import { RETRY_UPGRADE_ANNOTATION } from "@rancheros/protocol/resources";
import { PHASE_NAMES, PHASES, type Phase } from "@rancheros/protocol/upgrade";

export interface UpgradeFacts {
  /** The ManagedOSImage; undefined where somebody upgraded by hand. */
  readonly image: string | undefined;
  readonly plan: string | undefined;
  readonly attempt: number;
  readonly phase: Phase;
  readonly sinceMs: number | undefined;
  readonly heardMs: number | undefined;
  readonly digest: string | undefined;
  readonly reason: string | undefined;
  readonly message: string | undefined;
  /** Text of RETRY_UPGRADE_ANNOTATION when the attempt began. */
  readonly retry?: string | undefined;
}

export interface RolloutFacts {
  readonly clusterName: string | undefined;
  readonly role: string | undefined;
  /** The node's, and over them those of the object itself, which people set. */
  readonly labels: Readonly<Record<string, string>>;
  readonly nodeName: string | undefined;
  readonly lastSeenMs: number | undefined;
  /** Tag of the image that runs, or else the operating system's version. */
  readonly osVersion: string | undefined;
  /** See RETRY_UPGRADE_ANNOTATION. */
  readonly retry: string | undefined;
  readonly upgrade: UpgradeFacts | undefined;
}

/**
 * For which a phase counts that this operator does not know, of a newer one perhaps: the machine holds its slot, and may have
 * switched its operating system. What it says next is written over it.
 */
export const UNKNOWN_PHASE: Phase = "Upgrading";

/** Whether the machine says that it is in the middle of an upgrade. */
export function isUpgrading({ upgrade }: RolloutFacts): boolean {
  return upgrade !== undefined && PHASES[upgrade.phase].holdsSlot;
}

/** Every slot and every failure of a rollout repeats it. */
const RETRY_MAX_CHARACTERS = 64;

const OS_VERSION_MAX_CHARACTERS = 256;

function child(holder: unknown, key: string): unknown {
  return typeof holder === "object" && holder !== null ? Reflect.get(holder, key) : undefined;
}

function textAt(holder: unknown, key: string): string | undefined {
  const value = child(holder, key);
  return typeof value === "string" && value !== "" ? value : undefined;
}

function timeAt(holder: unknown, key: string): number | undefined {
  const ms = Date.parse(textAt(holder, key) ?? "");
  return Number.isNaN(ms) ? undefined : ms;
}

function textsAt(holder: unknown, key: string): Readonly<Record<string, string>> {
  const map = child(holder, key);
  if (typeof map !== "object" || map === null) return {};
  const entries = Object.entries(map).filter((one): one is [string, string] => typeof one[1] === "string");
  return Object.fromEntries(entries);
}

function upgradeFacts(upgrade: unknown): UpgradeFacts | undefined {
  const said = child(upgrade, "phase");
  if (said === undefined) return undefined;
  const phase = PHASE_NAMES.find((one) => one === said) ?? UNKNOWN_PHASE;
  const attempt = child(upgrade, "attempt");
  return {
    image: textAt(upgrade, "image"),
    plan: textAt(upgrade, "plan"),
    attempt: typeof attempt === "number" ? attempt : 0,
    phase,
    sinceMs: timeAt(upgrade, "since"),
    heardMs: timeAt(upgrade, "heard"),
    digest: textAt(upgrade, "digest"),
    reason: textAt(upgrade, "reason"),
    message: textAt(upgrade, "message"),
    retry: textAt(upgrade, "retry")?.slice(0, RETRY_MAX_CHARACTERS),
  };
}

/** @param inventory  an object of the API server, or anything: what is not there is left out */
export function rolloutFacts(inventory: unknown): RolloutFacts {
  const metadata = child(inventory, "metadata");
  const spec = child(inventory, "spec");
  const status = child(inventory, "status");
  const node = child(status, "node");
  const os = child(status, "os");
  return {
    clusterName: textAt(spec, "clusterName"),
    role: textAt(child(spec, "config"), "role"),
    labels: { ...textsAt(node, "labels"), ...textsAt(metadata, "labels") },
    nodeName: textAt(node, "name"),
    lastSeenMs: timeAt(status, "lastSeen"),
    osVersion: (textAt(os, "image") ?? textAt(os, "version"))?.slice(0, OS_VERSION_MAX_CHARACTERS),
    retry: textAt(child(metadata, "annotations"), RETRY_UPGRADE_ANNOTATION)?.slice(0, RETRY_MAX_CHARACTERS),
    upgrade: upgradeFacts(child(status, "upgrade")),
  };
}
