/** Whether the installed system may be started in place of the live one that a firmware tries first, and which that is. */
import { isCodedError } from "@rancheros/protocol/errors";

import { kernelWords } from "../slots/index.ts";
import { chooseDisk } from "./choose-disk.ts";
import type { Disk, DiskRule } from "./disk.ts";
import { guardedDisks, type ReadInstallation } from "./guard-installed.ts";

export type JudgedDiskStart =
  | { readonly kind: "start"; readonly disk: Disk; readonly reference: string }
  /** A phrase for people. */
  | { readonly kind: "stay"; readonly why: string };

const FROM_NETWORK = /^(https?|ftp|tftp):/;

/**
 * Of live-boot and of dracut's livenet. Whoever has put in a medium wants what is on it.
 * Source: live-boot(7), fetch=; dracut.cmdline(7), root=live:
 */
export function isFromNetwork(commandLine: string): boolean {
  return kernelWords(commandLine).some(
    ([name, value = ""]) =>
      (name === "fetch" && FROM_NETWORK.test(value)) ||
      (name === "root" && value.startsWith("live:") && FROM_NETWORK.test(value.slice("live:".length))),
  );
}

/**
 * Only where nothing else can be meant: the one disk with an installation is the one that would be installed to.
 * @param neededBytes  of an installation
 * @throws SlotError
 */
export async function judgeDiskStart(
  disks: readonly Disk[],
  rule: DiskRule,
  neededBytes: number,
  read: ReadInstallation,
): Promise<JudgedDiskStart> {
  const target = targetDisk(disks, rule, neededBytes);
  if (typeof target === "string") {
    return { kind: "stay", why: `no disk is the one that would be installed to (${target})` };
  }
  let reference: string | undefined;
  for (const disk of guardedDisks(disks, rule, target)) {
    const found = await read(disk);
    if (found.kind === "unclear") return { kind: "stay", why: `${disk.path} may hold an installation (${found.why})` };
    if (found.kind === "none") continue;
    if (disk.path !== target.path) {
      return { kind: "stay", why: `${disk.path} holds one, and ${target.path} is the disk that would be installed to` };
    }
    ({ reference } = found);
  }
  if (reference === undefined) return { kind: "stay", why: `${target.path} holds none any more` };
  return { kind: "start", disk: target, reference };
}

/** A system that has become larger since is no reason to leave the machine without the one that it has. @returns a phrase where there is none */
function targetDisk(disks: readonly Disk[], rule: DiskRule, neededBytes: number): Disk | string {
  let against = "";
  for (const bytes of [neededBytes, 0]) {
    try {
      return chooseDisk(disks, rule, bytes).disk;
    } catch (error) {
      if (!isCodedError(error)) throw error;
      against ||= error.message;
    }
  }
  return against;
}
