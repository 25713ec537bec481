/** What the live system's service does on a machine that is installed already: it starts that, where it was told so, or says why not. */
import {
  findLiveRoot,
  InstallError,
  refuseInstalled,
  startInstalled,
  treeBytes,
  type InstalledStart,
  type InstallSettings,
} from "@rancheros/agent/install";
import { isCodedError, type CodedError } from "@rancheros/protocol/errors";

import { describeError } from "./describe-error.ts";
import type { InstallRun } from "./install-flags.ts";
import { installPause } from "./install-pause.ts";

/** For whoever has started the live system on purpose, and sits at its console. */
const GRACE_MS = 30_000;

/**
 * It may wait here for weeks, and tries again every few minutes: no registry is asked for what is not installed.
 * @returns what is started next; undefined where the machine may be installed
 * @throws InstallError INSTALL_DISK_INSTALLED, and what looking at disks throws
 */
export async function startOrRefuse(
  { flags, surroundings: { signal }, remark }: InstallRun,
  settings: InstallSettings,
  commandLine: string,
): Promise<InstalledStart | undefined> {
  let refusal: InstallError;
  try {
    await refuseInstalled(settings, signal);
    return undefined;
  } catch (error) {
    if (!(error instanceof InstallError) || error.code !== "INSTALL_DISK_INSTALLED" || flags["no-restart"]) throw error;
    refusal = error;
  }
  const folder = flags.source ?? (settings.osImage === undefined ? findLiveRoot() : undefined);
  const announce = async (disk: string, reference: string): Promise<void> => {
    remark(
      `${disk} holds a whole installation (${reference}): the machine starts from it in ${GRACE_MS / 1000} s; ` +
        "whoever installs by hand meanwhile holds it up, and `systemctl stop ros-agent-install` keeps it in this live system",
    );
    await installPause(GRACE_MS, signal);
  };
  const systemBytes = folder === undefined ? 0 : await treeBytes(folder);
  const onWarning = (error: CodedError): void => {
    remark(`warning: ${describeError(error, { withStack: false }).trimEnd()}`);
  };
  const options = { settings, commandLine, systemBytes, refusal, announce, onWarning };
  return startInstalled(options, flags["work-folder"], signal);
}

/**
 * Of a machine that its operator refuses, and that nobody installs by hand: that says nothing of its disk, and with the disk first it would start too. Nothing is
 * installed without the operator's answer, whatever the settings from elsewhere say.
 * @returns what is started next; undefined where it is to register again
 * @throws InstallError INSTALL_INTERRUPTED, SlotError SLOT_INTERRUPTED
 */
export async function startRefused(
  run: InstallRun,
  settings: InstallSettings,
  commandLine: string,
): Promise<InstalledStart | undefined> {
  if (!run.flags.automatic) return undefined;
  try {
    return await startOrRefuse(run, settings, commandLine);
  } catch (error) {
    if (!isCodedError(error) || error.failure === "interrupted") throw error;
    run.remark(describeError(error, { withStack: false }).trimEnd());
    return undefined;
  }
}
