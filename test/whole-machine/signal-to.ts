import { systemCode } from "@rancheros/protocol/errors";

/** It may have ended by itself at that moment. */
export function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (systemCode(error) !== "ESRCH") throw error;
  }
}
