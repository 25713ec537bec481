/**
 * A machine with its node, container runtime, disk and boot loader, as far as an upgrade sees them: state that outlives the
 * agent, which can be killed at any point. Not imitated: networks, layers, what is inside of containers but suc-upgrade.
 */
import { createHash } from "node:crypto";
import { CodedError, type ErrorTable } from "@rancheros/protocol/errors";
import type { Plan } from "@rancheros/protocol/upgrade";

import { CONTAINER_ERRORS } from "../../../src/containers/index.ts";
import { DRAIN_ERRORS } from "../../../src/drain/index.ts";
import { NODE_API_ERRORS } from "../../../src/kubernetes/index.ts";
import type { BootSlot } from "../../../src/upgrade/boot-slot.ts";
import type { FaultPoint } from "../../../src/upgrade/fault-points.ts";
import type { Order } from "../../../src/upgrade/journal.ts";
import type { CheckResult } from "../../../src/upgrade/ports.ts";
import type { MachineFile, OwnSlots, SlotPoint } from "./own-slots.ts";
import { NEW_RELEASE, OLD_RELEASE, REFERENCE } from "./releases.ts";

export const TROUBLE = {
  TEST_AWAY: { failure: "unreachable", retry: "backoff", meaning: "away", mend: "wait" },
  TEST_REFUSED: { failure: "refused", retry: "never", meaning: "refused", mend: "ask" },
  ...CONTAINER_ERRORS,
  ...DRAIN_ERRORS,
  ...NODE_API_ERRORS,
} as const satisfies ErrorTable<string>;

export const trouble = (
  code: keyof typeof TROUBLE,
  message: string,
  details: Readonly<Record<string, string>> = {},
): CodedError => new CodedError(TROUBLE, code, message, { details });

export { NEW_RELEASE, OLD_RELEASE, REFERENCE };

/** What is wrong with the machine's kubeconfig. */
export type BadKubeconfig = Extract<keyof typeof NODE_API_ERRORS, `KUBECONFIG_${string}`>;

export interface World {
  node: { unschedulable: boolean; ready: boolean; bootId: string; exists: boolean };
  /** Whether it was the agent that has cordoned the node. */
  isCordonOurs: boolean;
  /** Whether its API server answers, and knows the node. */
  apiServer: "answers" | "away" | "knows-no-node" | "refuses-us" | BadKubeconfig;
  /** Of the two slots, and which of them runs. */
  slots: { active: string; passive: string; runs: BootSlot };
  /** Where the machine has slots of our own, in place of those. */
  ours: OwnSlots | undefined;
  cloudConfig: string | undefined;
  /** What an upgrade keeps beside it. */
  cloudConfigBefore: string | undefined;
  /** Of the machine, by path, which outlive its slots. */
  files: Map<string, MachineFile>;
  /** Of those that a cloud config names, as they were. */
  filesBefore: string | undefined;
  /** What the machine became at its last start. */
  appliedConfig: string | undefined;
  /** Whether the operating system's own files can be read, of a disk that fails. */
  isReadable: boolean;
  boot: number;
  isStopping: boolean;
  /** Whether there is somebody who would know that a restart was asked for. */
  hasLogind: boolean;
  /** Content of the journal's file. */
  disk: string | undefined;
  /** Writes that fail yet. */
  fullDiskWrites: number;
  slotHeld: boolean | "unknown";
  /** What the new operating system does when it is started. */
  imageBoots: "well" | "falls-back";
  /** What the upgrade container does. */
  upgradeContainer: "suc-upgrade" | "fails" | "fails-for-certain" | "hangs" | "installs-live";
  prepareContainer: "works" | "fails";
  pull:
    "works" | "away" | "away-for-a-minute" | "away-for-a-day" | "wants-no-waiting" | "refused" | "another" | "no-room";
  /** Held: until the drain's own time is over, or the world says otherwise. */
  drain: "works" | "fails" | "takes-too-long" | "held";
  /** Attempts to drain that meet an API server that is away. */
  failedDrains: number;
  /** What a drain has to say at once. */
  drainWords: number;
  /** Of the runtime: gone with the old operating system, or in the hands of somebody who has taken our containers' names. */
  runtime: "there" | "missing" | "name-taken";
  /** From a restart until it is up again; meanwhile something else is there that runs containers, and has nothing of ours. */
  runtimeStartMs: number;
  reasonNotToDrain: string | undefined;
  checks: readonly CheckResult[];
  /** Everything that happened to the machine, in order. */
  readonly events: string[];
  containers: Map<string, string>;
  /** In the runtime's store: whether an upgrade has brought it and said so, has not said so yet, or others brought it. */
  images: Map<string, "own" | "unmarked" | "foreign">;
  removal: "works" | "fails";
  /** Pods on the node. */
  pods: string[];
  readonly reached: (FaultPoint | SlotPoint)[];
}

export function createWorld(changes: Partial<World> = {}): World {
  return {
    node: { unschedulable: false, ready: true, bootId: "boot-1", exists: true },
    isCordonOurs: false,
    apiServer: "answers",
    slots: { active: OLD_RELEASE, passive: OLD_RELEASE, runs: "active" },
    ours: undefined,
    cloudConfig: undefined,
    cloudConfigBefore: undefined,
    files: new Map(),
    filesBefore: undefined,
    appliedConfig: changes.cloudConfig,
    boot: 1,
    isStopping: false,
    isReadable: true,
    hasLogind: true,
    disk: undefined,
    fullDiskWrites: 0,
    slotHeld: true,
    imageBoots: "well",
    upgradeContainer: "suc-upgrade",
    prepareContainer: "works",
    pull: "works",
    drain: "works",
    failedDrains: 0,
    drainWords: 0,
    runtime: "there",
    runtimeStartMs: 0,
    reasonNotToDrain: undefined,
    checks: [],
    events: [],
    containers: new Map(),
    images: new Map(),
    removal: "works",
    pods: ["web-0", "web-1"],
    reached: [],
    ...changes,
  };
}

export function planOf(changes: Partial<Plan> = {}): Plan {
  const container = { command: undefined, args: undefined, env: {}, volumes: [], securityContext: undefined };
  return {
    id: createHash("sha256").update("plan").digest("hex"),
    image: "default-os-image",
    attempt: 1,
    osImage: "example.com/os:v1.1.0",
    reference: REFERENCE,
    version: "v1.1.0",
    cloudConfig: undefined,
    cordon: true,
    drain: { force: true },
    prepare: { ...container, image: REFERENCE },
    upgrade: { ...container, image: REFERENCE },
    credentials: [],
    timeoutSeconds: 3600,
    force: false,
    retry: false,
    allowDowngrade: false,
    ...changes,
  };
}

export const orderOf = (changes: Partial<Plan> = {}): Order => ({
  plan: planOf(changes),
  isByHand: false,
  keepsCloudConfig: false,
});

export const running = ({ slots, ours }: World): string =>
  ours !== undefined ? ours.content[ours.runs] : slots.runs === "active" ? slots.active : slots.passive;
