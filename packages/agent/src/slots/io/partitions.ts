/** Finds the partitions of ours on the disk from which the machine runs. */
import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { basename, dirname } from "node:path";

import { SlotError } from "../errors.ts";

export interface KernelPaths {
  /** /proc/self/mountinfo */
  readonly mountInfo: string;
  /** /sys */
  readonly sys: string;
  /** /dev */
  readonly dev: string;
}

export const KERNEL_PATHS: KernelPaths = { mountInfo: "/proc/self/mountinfo", sys: "/sys", dev: "/dev" };

/**
 * By name of the partition, on the disk of what is mounted at a folder: another disk in the machine may have the same names.
 * @param mountPoint  such as /
 * @returns path of the device
 * @throws SlotError SLOT_NONE_HERE
 */
export function partitionBeside(mountPoint: string, partitionName: string, paths: KernelPaths = KERNEL_PATHS): string {
  const number = deviceNumber(readFileSync(paths.mountInfo, "utf8"), mountPoint);
  if (number === undefined) throw none(`nothing is mounted at ${mountPoint}`);
  const own = realpath(`${paths.sys}/dev/block/${number}`);
  if (own === undefined) throw none(`${mountPoint} is on no partition`);
  const disk = dirname(own);
  for (const name of readdirSync(disk)) {
    const { PARTNAME: found, DEVNAME: device = name } = uevent(`${disk}/${name}/uevent`);
    if (found === partitionName) return `${paths.dev}/${device}`;
  }
  throw none(`the disk ${basename(disk)} has no partition ${partitionName}`);
}

function none(message: string): SlotError {
  return new SlotError("SLOT_NONE_HERE", message);
}

/** MAJOR:MINOR of the last mount there. Source: proc_pid_mountinfo(5) */
function deviceNumber(mountInfo: string, mountPoint: string): string | undefined {
  const rows = mountInfo.split("\n").map((line) => line.split(" "));
  return rows.findLast((fields) => fields[4] === mountPoint)?.[2];
}

function realpath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function uevent(path: string): Readonly<Record<string, string>> {
  try {
    const lines = readFileSync(path, "utf8").split("\n");
    return Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
  } catch {
    return {};
  }
}
