/** Variables of the firmware, by Linux' efivarfs. Source: Linux, Documentation/filesystems/efivarfs.rst */
import { isCodedError, systemCode } from "@rancheros/protocol/errors";
import { constants, existsSync } from "node:fs";
import { open, readdir, unlink, type FileHandle } from "node:fs/promises";
import { join } from "node:path";

import { readBounded, whyRefused } from "../../files/index.ts";
import { runProgram } from "../../slots/index.ts";
import { FirmwareError } from "../errors.ts";

/** Each is named NAME-VENDOR. */
export interface EfiVariables {
  readonly names: () => Promise<readonly string[]>;
  /** @returns undefined where there is none */
  readonly read: (name: string) => Promise<Buffer | undefined>;
  /** As a variable that outlives a restart, and read back. */
  readonly write: (name: string, data: Buffer) => Promise<void>;
  /** Also where there is none. */
  readonly remove: (name: string) => Promise<void>;
}

const ATTRIBUTE_BYTES = 4;
/** NON_VOLATILE, BOOTSERVICE_ACCESS, RUNTIME_ACCESS. Source: UEFI specification, "GetVariable()" */
const ATTRIBUTES = 7;
const READ_MAX_BYTES = 64 * 1024;
const CHATTR_TIMEOUT_MS = 30_000;

/** Source: Linux, Documentation/ABI/testing/sysfs-firmware-efi */
const FIRMWARE = "/sys/firmware/efi";

/**
 * @param hostRoot  the machine's /
 * @returns undefined where the machine was not started by UEFI; what it does throws FirmwareError
 */
export function firmwareVariables(hostRoot: string): EfiVariables | undefined {
  const folder = join(hostRoot, FIRMWARE);
  return existsSync(folder) ? efiVariables(join(folder, "efivars")) : undefined;
}

/** @param folder  where efivarfs is mounted */
export function efiVariables(folder: string): EfiVariables {
  const pathOf = (name: string): string => join(folder, name);
  const read = async (name: string): Promise<Buffer | undefined> => {
    try {
      const bytes = await readBounded(pathOf(name), READ_MAX_BYTES);
      // One that the firmware has deleted since is an empty file.
      return bytes.length < ATTRIBUTE_BYTES ? undefined : bytes.subarray(ATTRIBUTE_BYTES);
    } catch (cause) {
      if (systemCode(cause) === "ENOENT" && (await isFolder(folder))) return undefined;
      throw new FirmwareError("FIRMWARE_UNREADABLE", `${name} cannot be read: ${whyRefused(cause)}`, { cause });
    }
  };
  return {
    async names() {
      try {
        return await readdir(folder);
      } catch (cause) {
        throw new FirmwareError("FIRMWARE_UNREADABLE", `${folder} cannot be read: ${whyRefused(cause)}`, { cause });
      }
    },
    read,
    async write(name, data) {
      const bytes = Buffer.alloc(ATTRIBUTE_BYTES + data.length);
      bytes.writeUInt32LE(ATTRIBUTES, 0);
      data.copy(bytes, ATTRIBUTE_BYTES);
      try {
        await mutably(pathOf(name), (path) => writeAtOnce(path, bytes));
      } catch (cause) {
        throw new FirmwareError("FIRMWARE_UNSAVED", `${name} cannot be written: ${whyUnsaved(cause)}`, { cause });
      }
      const back = await read(name);
      if (back?.equals(data) === true) return;
      throw new FirmwareError("FIRMWARE_UNSAVED", `the firmware says something else of ${name} than what was written`);
    },
    async remove(name) {
      try {
        await mutably(pathOf(name), unlink);
      } catch (cause) {
        if (systemCode(cause) === "ENOENT") return;
        // The boot check and the agent may both be at it.
        const isGone = await read(name).then(
          (left) => left === undefined,
          () => false,
        );
        if (isGone) return;
        throw new FirmwareError("FIRMWARE_UNSAVED", `${name} cannot be removed: ${whyUnsaved(cause)}`, { cause });
      }
    },
  };
}

function whyUnsaved(cause: unknown): string {
  if (systemCode(cause) === "ENOSPC") return "the firmware has no room left";
  return isCodedError(cause) ? cause.message : whyRefused(cause);
}

async function isFolder(path: string): Promise<boolean> {
  return readdir(path).then(
    () => true,
    () => false,
  );
}

/** The kernel makes variables that it does not know immutable, so that `rm -rf` ends no machine. */
async function mutably(path: string, work: (path: string) => Promise<void>): Promise<void> {
  try {
    await work(path);
  } catch (error) {
    if (systemCode(error) !== "EPERM") throw error;
    await runProgram({ program: "chattr", args: ["-i", path], from: "e2fsprogs", timeoutMs: CHATTR_TIMEOUT_MS });
    await work(path);
  }
}

/** Each write is one variable, so it is one; and nothing is made shorter before, which efivarfs does not know. */
async function writeAtOnce(path: string, bytes: Buffer): Promise<void> {
  const file: FileHandle = await open(path, constants.O_WRONLY | constants.O_CREAT, 0o644);
  try {
    const { bytesWritten } = await file.write(bytes, 0, bytes.length, null);
    if (bytesWritten !== bytes.length) throw new Error("only a part of it was taken");
  } finally {
    await file.close();
  }
}
