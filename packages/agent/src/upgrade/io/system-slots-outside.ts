/** What an upgrade by slots leaves on the machine beside them: its cloud config, and traces of trials. */
import { systemCode } from "@rancheros/protocol/errors";
import { readFileSync } from "node:fs";
import { open, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";

import { askForRestart, isSlotName, readStateFile, SlotError, writeStateFile } from "../../slots/index.ts";
import { rootFiles } from "../../files/index.ts";
import { KEPT_TEXT_MAX_BYTES } from "../kept-files.ts";
import type { ConfigFilesPort } from "../ports.ts";
import type { SystemSlotsOptions, TrialMark } from "../system-slots.ts";

/** Written by /usr/lib/rancheros/init. */
const TRIAL_MARK = "trial.json";
const TRIAL_MARK_MAX_BYTES = 4096;
const KEPT_FILES = "cloud-config-files.json";

export function systemSlotsOutside({
  hostRoot,
  stateFolder,
}: {
  readonly hostRoot: string;
  readonly stateFolder: string;
}): Pick<
  SystemSlotsOptions,
  "bootId" | "restart" | "writeCloudConfig" | "configFiles" | "readTrialMark" | "forgetTrialMark"
> {
  const mark = join(stateFolder, TRIAL_MARK);
  return {
    bootId: () => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
    async restart() {
      if (hostRoot !== "/") {
        // A machine that is a folder, or seen from a container, is not this one, and never becomes it.
        const message = `the machine at ${hostRoot} cannot be restarted from here`;
        throw new SlotError("SLOT_NO_RESTART", message, { retry: "never" });
      }
      await askForRestart("reboot");
    },
    async writeCloudConfig(path, text) {
      const full = join(hostRoot, path);
      if (text === undefined) await remove(full);
      else await writeStateFile(full, text);
    },
    configFiles: configFiles(hostRoot, join(stateFolder, KEPT_FILES)),
    async readTrialMark() {
      return trialMark((await readStateFile(mark, TRIAL_MARK_MAX_BYTES)) ?? "");
    },
    forgetTrialMark: () => remove(mark),
  };
}

function configFiles(hostRoot: string, kept: string): ConfigFilesPort {
  return {
    ...rootFiles(hostRoot),
    async named(config) {
      if (config === "") return { files: [], wrong: undefined };
      // What reads it is large, and most starts and upgrades need it not.
      const { namedFiles } = await import("../../cloud-config/index.ts");
      return namedFiles(Buffer.from(config));
    },
    readKept: () => readStateFile(kept, KEPT_TEXT_MAX_BYTES),
    writeKept: (text) => (text === undefined ? remove(kept) : writeStateFile(kept, text)),
    async keepAside() {
      const left = `${kept}.left`;
      await rename(kept, left).catch((cause: unknown) => {
        throw new SlotError("SLOT_WRITE_FAILED", `${kept} cannot be renamed`, { cause });
      });
      return left;
    },
  };
}

function trialMark(text: string): TrialMark | undefined {
  const slot = /"slot":"([ab])"/.exec(text)?.[1];
  const bootId = /"bootId":"([0-9a-f-]{36})"/.exec(text)?.[1];
  return isSlotName(slot) && bootId !== undefined ? { slot, bootId } : undefined;
}

/** On the disk as well: the journal says that it is done, and after a power cut it would be back. */
async function remove(path: string): Promise<void> {
  try {
    await unlink(path);
    const folder = await open(dirname(path), "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (cause) {
    if (systemCode(cause) === "ENOENT") return;
    throw new SlotError("SLOT_WRITE_FAILED", "a file of the machine's state cannot be removed", { cause });
  }
}
