/**
 * The count of attempts a second time, on the disk that is to be started: firmware may take a variable and lose it at a restart.
 * By mtools on ROS_ESP, which is mounted by nobody, has no journal, and is made anew with each installation. Source: mtools(1)
 */
import { isCodedError } from "@rancheros/protocol/errors";
import { join } from "node:path";

import { syncPath } from "../../files/index.ts";
import {
  partitionBeside,
  PARTITIONS,
  runProgram,
  SlotError,
  type DiskProgram,
  type KernelPaths,
} from "../../slots/index.ts";
import { FirmwareError } from "../errors.ts";

/** What it does throws FirmwareError FIRMWARE_COUNT_UNSAVED, or SlotError SLOT_INTERRUPTED. */
export interface AttemptsFile {
  /** @returns undefined where there is none */
  readonly read: () => Promise<string | undefined>;
  /** Whatever it comes to, the old one or the new one is there. */
  readonly write: (text: string) => Promise<void>;
  /** Also where there is none: then nothing is written. */
  readonly remove: () => Promise<void>;
}

export interface AttemptsFilePlace {
  /** The partition, or the disk. */
  readonly device: string;
  /** Where the partition begins on it. */
  readonly offsetBytes: number;
  /** Of reading. */
  readonly signal?: AbortSignal;
}

/** In capitals and no longer than that: other names take several entries of the folder, which one write need not hold. */
const NAME = "ROSTARTS";
const FILE = `::/${NAME}.TXT`;
const UNFINISHED = `::/${NAME}.NEW`;
const TIMEOUT_MS = 30_000;

export function attemptsFile({ device, offsetBytes, signal }: AttemptsFilePlace): AttemptsFile {
  // What writes is not broken off: it is the partition that the machine starts from.
  const run = (program: string, args: readonly string[], more: Pick<DiskProgram, "input" | "signal"> = {}) =>
    runProgram({
      program,
      args: ["-i", `${device}@@${offsetBytes}`, ...args],
      from: "mtools",
      timeoutMs: TIMEOUT_MS,
      ...more,
    });
  const breakable = signal === undefined ? {} : { signal };
  return {
    read: () => told("read", device, () => unlessMissing(run("mtype", [FILE], breakable))),
    write: (text) =>
      told("written", device, async () => {
        await run("mcopy", ["-D", "o", "-", UNFINISHED], { input: text });
        // Of its stdin it says nothing where the partition is full, and leaves an empty file.
        if ((await run("mtype", [UNFINISHED])) !== text) throw new Error("the partition has not taken all of it");
        await syncPath(device);
        // Some bytes of one sector.
        await run("mren", ["-D", "o", UNFINISHED, `${NAME}.TXT`]);
        await syncPath(device);
      }),
    remove: () =>
      told("removed", device, async () => {
        const any = `::/${NAME}.*`;
        if ((await unlessMissing(run("mdir", ["-b", any]))) === undefined) return;
        // The boot check and the agent may both be at it.
        await unlessMissing(run("mdel", [any]));
        await syncPath(device);
      }),
  };
}

async function unlessMissing(work: Promise<string>): Promise<string | undefined> {
  return work.catch((error: unknown) => {
    if (error instanceof SlotError && error.code === "SLOT_TOOL_FAILED" && /not found/.test(error.message))
      return undefined;
    throw error;
  });
}

async function told<T>(what: string, device: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (isCodedError(cause) && cause.failure === "interrupted") throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `the count of attempts on ROS_ESP (${device}) cannot be ${what}: ${why}`;
    throw new FirmwareError("FIRMWARE_COUNT_UNSAVED", message, { cause, details: { device } });
  }
}

/**
 * @param hostRoot  / of an installed machine
 * @returns undefined where it was not installed by us
 */
export function installedAttemptsFile(hostRoot: string, paths?: KernelPaths): AttemptsFile | undefined {
  try {
    const device = partitionBeside(join(hostRoot, "/oem"), PARTITIONS.esp, paths);
    return attemptsFile({ device, offsetBytes: 0 });
  } catch {
    return undefined;
  }
}
