/** `ros-agent boot-check` on this machine. */
import { forgetStartsOn } from "@rancheros/agent/firmware";
import { readPolicies } from "@rancheros/agent/images";
import { runBootCheck, type BootCheckVerdict } from "@rancheros/agent/slots";
import { openMachine } from "@rancheros/agent/upgrade";

import { machineOptions, type MachineFlagValues } from "./machine-run.ts";
import type { Surroundings } from "./surroundings.ts";

export interface BootCheckRun extends MachineFlagValues {
  readonly patienceMs: number;
  readonly steadyMs: number;
  readonly checkTimeoutMs: number;
  readonly restarts: boolean;
  readonly ignoredUnits: readonly string[];
}

/** @throws SlotError */
export async function runMachineBootCheck(
  run: BootCheckRun,
  surroundings: Surroundings,
  remark: (text: string) => void,
): Promise<BootCheckVerdict> {
  const options = { ...machineOptions(run, surroundings, remark), checkTimeoutMs: run.checkTimeoutMs };
  const machine = openMachine({ ...options, log: () => undefined });
  let said = "";
  try {
    const verdict = await runBootCheck({
      ...options,
      ...run,
      readPolicies: () => readPolicies(options.hostRoot),
      runChecks: (signal) => machine.host.runChecks(signal),
      signal: surroundings.signal,
      onLook(failures) {
        const text = failures.length === 0 ? "all is well" : `not yet well: ${failures.join("; ")}`;
        if (text !== said) remark(text);
        said = text;
      },
    });
    // The agent does so too; its own service may be masked, or kept from starting by its configuration.
    if (verdict.kind !== "no-slots") await forgetStartsOn(options.hostRoot, remark);
    return verdict;
  } finally {
    machine.node.close();
  }
}
