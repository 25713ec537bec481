/** What an upgrade by slots leaves on the machine beside them: its cloud config, and traces of trials. */
import { readFileSync } from "node:fs";
import { readFile, unlink } from "node:fs/promises";
import { join } from "node:path";

import { askForRestart, isSlotName, SlotError, writeStateFile } from "../../slots/index.ts";
import type { SystemSlotsOptions, TrialMark } from "../system-slots.ts";

/** Written by /usr/lib/rancheros/init. */
const TRIAL_MARK = "trial.json";

export function systemSlotsOutside({
  hostRoot,
  stateFolder,
}: {
  readonly hostRoot: string;
  readonly stateFolder: string;
}): Pick<SystemSlotsOptions, "bootId" | "restart" | "writeCloudConfig" | "readTrialMark" | "forgetTrialMark"> {
  const mark = join(stateFolder, TRIAL_MARK);
  return {
    bootId: () => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
    async restart() {
      // A machine that is a folder, or seen from a container, is not this one.
      if (hostRoot !== "/")
        throw new SlotError("SLOT_NO_RESTART", `the machine at ${hostRoot} cannot be restarted from here`);
      await askForRestart("reboot");
    },
    async writeCloudConfig(path, text) {
      const full = join(hostRoot, path);
      if (text === undefined) await unlink(full).catch(onlyWhereMissing);
      else await writeStateFile(full, text);
    },
    async readTrialMark() {
      const text = await readFile(mark, "utf8").catch(() => "");
      return trialMark(text);
    },
    forgetTrialMark: () => unlink(mark).catch(onlyWhereMissing),
  };
}

function trialMark(text: string): TrialMark | undefined {
  const slot = /"slot":"([ab])"/.exec(text)?.[1];
  const bootId = /"bootId":"([0-9a-f-]{36})"/.exec(text)?.[1];
  return isSlotName(slot) && bootId !== undefined ? { slot, bootId } : undefined;
}

function onlyWhereMissing(cause: unknown): void {
  const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
  if (!isMissing)
    throw new SlotError("SLOT_WRITE_FAILED", "a file of the machine's state cannot be removed", { cause });
}
