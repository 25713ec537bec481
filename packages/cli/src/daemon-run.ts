/** `ros-agent run`: the daemon with this machine's TPM, SMBIOS and hardware. */
import { runDaemon, type DaemonOptions } from "@rancheros/agent/daemon";

import { withOperator, type MachineRun } from "./registration-run.ts";
import type { Surroundings } from "./surroundings.ts";

type MachineOptions = Omit<DaemonOptions, "operator" | "pid" | "signal" | "onReady">;

/** @param operator  undefined where nobody is asked for plans. @throws as runDaemon; TpmError, SmbiosError */
export function runAgent(
  machine: MachineOptions,
  operator: MachineRun | undefined,
  { signal }: Surroundings,
): Promise<void> {
  const onReady = (): void => machine.log("ready");
  const common = { ...machine, pid: process.pid, signal, onReady };
  if (operator === undefined) return runDaemon({ ...common, operator: undefined });
  return withOperator(operator, (link) => runDaemon({ ...common, operator: link }));
}
