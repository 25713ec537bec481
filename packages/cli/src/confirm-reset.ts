/** The question before a machine is wiped. */
import { InstallError, type InstallErrorCode } from "@rancheros/agent/install";

import { askYesNo } from "./ask-install.ts";

/** What an installation would mend by its settings. */
const MENDS: Readonly<Partial<Record<InstallErrorCode, string>>> = {
  INSTALL_NOT_ASKED: "Give --yes, or start it on a terminal.",
  INSTALL_INTERRUPTED: "Start it again with `ros-agent reset`.",
};

/** @throws InstallError INSTALL_NOT_ASKED, INSTALL_INTERRUPTED, INSTALL_DECLINED */
export async function confirmReset(signal: AbortSignal): Promise<void> {
  const question = "Everything on this machine but its operating system will be wiped. Go on?";
  const isWanted = await askYesNo(question, signal).catch((cause: unknown) => {
    const mend = cause instanceof InstallError ? MENDS[cause.code] : undefined;
    throw cause instanceof InstallError && mend !== undefined
      ? new InstallError(cause.code, cause.message, { cause, mend })
      : cause;
  });
  if (isWanted) return;
  throw new InstallError("INSTALL_DECLINED", "nothing was done", { mend: "`ros-agent reset` asks again." });
}
