/** The machine's two slots as an upgrade uses them. */
import { isCodedError } from "@rancheros/protocol/errors";

import { accountsOf, nodePlatform, openImage, parsePinnedImage } from "../images/index.ts";
import {
  imageSource,
  isSlotName,
  type MachineSlots,
  type SlotName,
  type SlotProgress,
  type SlotStamp,
} from "../slots/index.ts";
import { UpgradeError } from "./errors.ts";
import { admissionText, nodeRegistries, toldPolicies, type NodeContainersOptions } from "./node-containers.ts";
import type { ConfigFilesPort, StageOptions, StagedSystem, SystemSlotsPort } from "./ports.ts";
import type { SlotPort } from "./rollback.ts";

/** What the first program of a trial leaves behind. */
export interface TrialMark {
  readonly slot: SlotName;
  readonly bootId: string;
}

export interface SystemSlotsOptions extends Pick<
  NodeContainersOptions,
  "hostRoot" | "registriesPath" | "bytesPerSecond"
> {
  readonly slots: MachineSlots;
  /** The start in which this is. */
  readonly bootId: () => string;
  readonly restart: () => Promise<void>;
  /** All of it or nothing, and on the disk; undefined takes the file away. */
  readonly writeCloudConfig: (path: string, text: string | undefined) => Promise<void>;
  readonly configFiles: ConfigFilesPort;
  readonly readTrialMark: () => Promise<TrialMark | undefined>;
  readonly forgetTrialMark: () => Promise<void>;
  readonly log: (message: string) => void;
}

/** An image with it installs itself. */
const OWN_WAY = "usr/sbin/suc-upgrade";
const PATIENCE_MS = 600_000;
/** Each of them is a write of the journal. */
const TOLD_PARTS = 4;

/** Everything in it throws SlotError, ImagePullError, ImageReferenceError and SignatureError. */
export function systemSlots(options: SystemSlotsOptions): SystemSlotsPort {
  const { slots } = options;
  return {
    running: () => slots.started()?.slot,
    async runningDigest() {
      const slot = slots.started()?.slot;
      return slot === undefined ? undefined : (await readStamp(options, slot))?.digest;
    },
    write: (reference, stage) => write(options, reference, stage),
    requireRoom: (slot, signal) => slots.requireRoom(slot, signal),
    async tryOnce(slot) {
      // That of an earlier trial would be taken for this one's.
      await options.forgetTrialMark();
      await slots.tryOnce(slot);
    },
    tried: async () => (await slots.words()).try,
    // Also where it reads as empty already: an earlier write may have failed before it was where the boot loader reads it.
    forgetTry: () => slots.change({ try: undefined }),
    restart: options.restart,
    async isGood(slot) {
      return (await slots.words()).good === slot;
    },
    async trialTrace(slot) {
      try {
        return await trialTrace(options, slot);
      } catch (error) {
        // Which slot runs is known all the same: that verdict is worth more.
        if (!isCodedError(error)) throw error;
        return `what the trial of slot ${slot} has left cannot be read: ${error.message}`;
      }
    },
    writeCloudConfig: options.writeCloudConfig,
    configFiles: options.configFiles,
  };
}

const ENTRY = /^slot ([ab])$/;

function slotOf(entry: string): SlotName {
  const slot = ENTRY.exec(entry)?.[1];
  if (!isSlotName(slot)) throw new UpgradeError("UPGRADE_ROLLBACK_FAILED", `${entry} is no slot`);
  return slot;
}

/** `ros-agent rollback` on a machine with two slots: the other one is tried at the next start, if it holds a whole system, and good from then on if its boot check passes. */
export function rollbackSlots(slots: MachineSlots): SlotPort {
  return {
    other: async () => `slot ${await slots.otherGoodSlot()}`,
    startNext: async (entry) => slots.tryOnce(slotOf(entry)),
    async forgetNext(entry) {
      if ((await slots.words()).try === slotOf(entry)) await slots.change({ try: undefined });
    },
  };
}

async function write(
  options: SystemSlotsOptions,
  reference: string,
  { credentials, signal, onProgress, files }: StageOptions,
): Promise<StagedSystem | undefined> {
  const image = parsePinnedImage(reference);
  const opened = await openImage({
    image,
    platform: nodePlatform(process.arch),
    registries: await nodeRegistries(options),
    policies: await toldPolicies(options),
    accounts: accountsOf(credentials, image.host),
    bytesPerSecond: options.bytesPerSecond,
    patienceMs: PATIENCE_MS,
    signal,
    onEvent(event) {
      if (event.kind === "retry")
        options.log(`reading ${image.name}: ${event.error.message} (${event.error.code}); trying again`);
      else if (event.kind !== "bytes") options.log(admissionText(image.name, event));
    },
  });
  let told = Promise.resolve();
  const {
    slot,
    ending,
    files: found,
  } = await options.slots.write({
    source: imageSource(image, opened),
    signal,
    stopAt: OWN_WAY,
    files,
    onProgress(progress) {
      const message = progressText(progress);
      told = told.then(() => onProgress(message)).catch(() => undefined);
    },
  });
  await told;
  return ending === "stopped" ? undefined : { slot, files: found };
}

/** Where it cannot be read the image is written once more at the worst: into the other slot, which a failing one needs. */
async function readStamp({ slots, log }: SystemSlotsOptions, slot: SlotName): Promise<SlotStamp | undefined> {
  try {
    return await slots.stamp(slot);
  } catch (error) {
    if (!isCodedError(error)) throw error;
    log(`which image slot ${slot} holds cannot be told: ${error.message} (${error.code})`);
    return undefined;
  }
}

function progressText(progress: SlotProgress): string {
  const parts = (done: number, all: number): string =>
    `${(100 / TOLD_PARTS) * Math.floor((TOLD_PARTS * done) / Math.max(1, all))} %`;
  if ("layer" in progress)
    return `writing ${progress.layer} of the image: ${parts(progress.doneBytes, progress.sizeBytes ?? 0)}`;
  if ("files" in progress) return `reading the slot back: ${parts(progress.doneFiles, progress.files)}`;
  return `writing the slot: ${progress.step}`;
}

/** What is known of the last trial of a slot: of this start it is no news. */
async function trialTrace(options: SystemSlotsOptions, slot: SlotName): Promise<string | undefined> {
  const now = options.bootId();
  const mark = await options.readTrialMark();
  if (mark === undefined || mark.slot !== slot || mark.bootId === now) return undefined;
  const check = await options.slots.bootCheck();
  if (check?.bootId === mark.bootId && check.outcome === "failed") {
    return `the health checks of slot ${slot} failed: ${check.failures.join("; ")}`;
  }
  if (check?.bootId === mark.bootId) return `slot ${slot} was found good, and something has started another one since`;
  return `slot ${slot} started, and was gone before its health checks had ended (panic, hang or power cut)`;
}
