/** One slot's partition, while an operating system is written into it. */
import { lstatSync, mkdirSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";

import { hasCode } from "@rancheros/protocol/errors";

import { syncPath } from "../../files/index.ts";
import { slotStamp, STAMP_FILE, type SlotStamp } from "../slot-stamp.ts";
import type { SlotDisk } from "../write-slot.ts";
import {
  clearMounts,
  forgetCache,
  makeExt4,
  mount,
  requireExt4Possible,
  syncFileSystem,
  unmount,
} from "./file-systems.ts";
import { peekStamp } from "./peek-stamp.ts";
import { readBack } from "./read-back.ts";
import { writeSpecials } from "./special-files.ts";
import { treeLook } from "./tree-look.ts";
import { treeWriter, writeFailure } from "./tree-writer.ts";

export interface SlotDiskOptions {
  readonly device: string;
  /** PARTITIONS.a or .b */
  readonly label: string;
  /** Made and taken away again. */
  readonly mountFolder: string;
  /** Where others look into the slot: one that was killed has left it mounted, and nobody makes a file system then. */
  readonly lookFolders?: readonly string[];
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
}

/** @throws SlotError from all of its functions */
export function slotDisk(options: SlotDiskOptions): SlotDisk {
  const { device, label, mountFolder, lookFolders = [], nowMs, signal } = options;
  const written = <T>(what: string, work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw writeFailure(cause, what);
    }
  };
  let prepared: SlotStamp | "none" | undefined;
  return {
    look: treeLook(mountFolder),
    async prepare() {
      for (const folder of [mountFolder, ...lookFolders]) await clearMounts(folder);
      await requireExt4Possible(device, label, signal);
      prepared = await peekStamp(device, signal);
    },
    async isAsPrepared(failure) {
      // A program that was killed may have begun, and a disk may forget later what it was told to.
      const isOver = hasCode(failure, "SLOT_TOOL_FAILED") || hasCode(failure, "SLOT_TOOL_MISSING");
      if (!isOver || prepared === undefined || prepared === "none") return false;
      // The first that a formatting takes away is the superblock, without which no stamp is found.
      const present = await peekStamp(device, new AbortController().signal);
      return JSON.stringify(present) === JSON.stringify(prepared);
    },
    async format() {
      await makeExt4(device, label, signal);
      await mount(device, mountFolder, "rw,noatime");
      const writer = treeWriter(mountFolder);
      return { writer, specials: () => writeSpecials(mountFolder, writer.takeSpecials()) };
    },
    makeFolders(paths) {
      for (const path of paths) {
        const full = `${mountFolder}/${path}`;
        if (lstatSync(full, { throwIfNoEntry: false }) === undefined)
          written(path, () => mkdirSync(full, { recursive: true }));
      }
    },
    async sync() {
      await syncFileSystem(mountFolder);
      await unmount(mountFolder);
      await forgetCache(device);
    },
    async readBack(records, stop, onProgress) {
      await mount(device, mountFolder, "ro");
      await readBack(mountFolder, records, { signal: stop, onProgress });
    },
    async stamp(source, files) {
      await mount(device, mountFolder, "remount,rw");
      const path = `${mountFolder}/${STAMP_FILE}`;
      const text = `${JSON.stringify(slotStamp(source, files, nowMs()))}\n`;
      try {
        await writeFile(`${path}.tmp`, text, { mode: 0o644 });
        for (const one of [`${path}.tmp`, mountFolder]) await syncPath(one);
        await rename(`${path}.tmp`, path);
      } catch (cause) {
        throw writeFailure(cause, STAMP_FILE);
      }
      await syncFileSystem(mountFolder);
    },
    async close() {
      await unmount(mountFolder);
    },
  };
}
