/** The two slots of a machine: what is in them, which one starts, how one is written and found good. Source: docs/decisions/0015-slots.md */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { bootCheck, type BootCheckVerdict } from "./boot-check.ts";
import { BOOT_CHECK_FILE, writeBootCheckRecord } from "./boot-check-record.ts";
import { lookAtMachine, type MachineLook } from "./health.ts";
import { bootMoment } from "./io/boot-moment.ts";
import { slotsOutside, type OpenSlotsOptions } from "./io/open-slots.ts";
import { restartForSure } from "./io/restart-machine.ts";
import { partitionBeside } from "./io/partitions.ts";
import { peekStamp } from "./io/peek-stamp.ts";
import { readStateFile, writeStateFile } from "./io/state-file.ts";
import { systemFacts } from "./io/system-health.ts";
import { machineSlots, type MachineSlots } from "./machine-slots.ts";
import { requestReset, type ResetOptions } from "./reset.ts";
import { PARTITIONS, type SlotName } from "./slot.ts";
import type { SlotStamp } from "./slot-stamp.ts";

/** Nothing is read or mounted before it is asked for. */
export function openSlots(options: OpenSlotsOptions): MachineSlots {
  return machineSlots(slotsOutside(options));
}

export interface RunBootCheckOptions extends OpenSlotsOptions, Omit<MachineLook, "facts"> {
  /** From the start of the machine on. */
  readonly patienceMs: number;
  readonly steadyMs: number;
  readonly restarts: boolean;
  readonly signal: AbortSignal;
  readonly onLook: (failures: readonly string[]) => void;
}

const OWN_UNIT = "ros-agent-boot-check.service";

/** @throws SlotError SLOT_BOOT_CHECK_FAILED where nothing restarts; SLOT_ENVIRONMENT_BROKEN, SLOT_INTERRUPTED */
export function runBootCheck(options: RunBootCheckOptions): Promise<BootCheckVerdict> {
  const { stateFolder } = options;
  const look: MachineLook = { ...options, facts: (signal) => systemFacts(OWN_UNIT, signal) };
  return bootCheck(
    {
      slots: openSlots(options),
      look: (signal) => lookAtMachine(look, signal),
      record: (record) => writeStateFile(join(stateFolder, BOOT_CHECK_FILE), writeBootCheckRecord(record)),
      restart: () => restartForSure(options.signal),
      ...bootMoment(),
      wallMs: Date.now,
      sleep: (delayMs, signal) => sleep(delayMs, undefined, { signal }),
    },
    options,
  );
}

/** More than the agent ever keeps of it. */
const LEARNED_CA_MAX_BYTES = 1024 * 1024;

/** The next start resets the machine. @throws SlotError */
export function resetMachine(options: OpenSlotsOptions, reset: ResetOptions): Promise<void> {
  const { hostRoot, stateFolder } = options;
  const outside = {
    slots: openSlots(options),
    // A state that cannot be read any more is no reason against a reset, but for one.
    readLearnedCa: () =>
      readStateFile(join(stateFolder, reset.learnedCaFile), LEARNED_CA_MAX_BYTES).catch(() => undefined),
    keepLearnedCa: (text: string) => writeStateFile(join(hostRoot, "/oem", reset.learnedCaFile), text),
    writeRequest: (text: string) => writeStateFile(join(hostRoot, "/oem/reset.json"), text),
    nowMs: Date.now,
  };
  return requestReset(outside, reset);
}

/**
 * What a slot says of itself, without mounting it.
 * @returns "none" where it holds no system that was written to its end; undefined where it cannot be told
 */
export async function peekSlot(
  { hostRoot }: Pick<OpenSlotsOptions, "hostRoot">,
  slot: SlotName,
  signal: AbortSignal,
): Promise<SlotStamp | "none" | undefined> {
  let device: string;
  try {
    device = partitionBeside(join(hostRoot, "/oem"), PARTITIONS[slot]);
  } catch {
    return undefined;
  }
  return peekStamp(device, signal);
}

export type { BootCheckVerdict } from "./boot-check.ts";
export type { BootCheckRecord } from "./boot-check-record.ts";
export { SLOT_ERRORS, SlotError } from "./errors.ts";
export type { SlotErrorCode } from "./errors.ts";
export { grubConfig } from "./grub-config.ts";
export type { SlotPlace } from "./grub-config.ts";
export { GRUB_ENVIRONMENT_BYTES, readGrubEnvironment, writeGrubEnvironment } from "./grub-environment.ts";
export { imageSource } from "./image-source.ts";
export { jsonFields } from "./json-fields.ts";
export { clearMounts, makeExt4, makeFat32, makeStateExt4, mount, syncFileSystem, unmount } from "./io/file-systems.ts";
export { treeLayer } from "./io/tree-layer.ts";
export { bootMoment } from "./io/boot-moment.ts";
export { writeGrubEnvironmentFile } from "./io/grub-environment-file.ts";
export type { OpenSlotsOptions } from "./io/open-slots.ts";
export { partitionBeside } from "./io/partitions.ts";
export type { KernelPaths } from "./io/partitions.ts";
export { peekFile } from "./io/peek-file.ts";
export { peekStamp } from "./io/peek-stamp.ts";
export { askForRestart } from "./io/restart-machine.ts";
export { runProgram } from "./io/run-program.ts";
export type { DiskProgram } from "./io/run-program.ts";
export { sectorBytes } from "./io/sector-bytes.ts";
export { slotDisk } from "./io/slot-disk.ts";
export { readStateFile, refusedAt, writeStateFile } from "./io/state-file.ts";
export { kernelWords, startedSlot } from "./kernel-words.ts";
export type { StartedSlot } from "./kernel-words.ts";
export type { MachineSlots, WrittenSystem } from "./machine-slots.ts";
export { isSlotName, otherSlotName, PARTITIONS } from "./slot.ts";
export type { SlotName } from "./slot.ts";
export { freshSlotWords, readSlotWords } from "./slot-words.ts";
export type { SlotStamp } from "./slot-stamp.ts";
export { requireSystem } from "./system-parts.ts";
export type { SystemLayer, SystemSource } from "./system-source.ts";
export { readTar } from "./tar/read-tar.ts";
export { writeSlot } from "./write-slot.ts";
export type { SlotDisk, SlotProgress, SlotStep } from "./write-slot.ts";
