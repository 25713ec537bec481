/** What systemd says: units, its watchdog, the clock. */
import { existsSync } from "node:fs";

import { parseUnits, type Unit } from "../judge-services.ts";
import { parseSpanSeconds } from "../systemd-span.ts";
import { askProgram } from "./ask-program.ts";

/** As sd_booted(3) finds out. */
const BOOTED = "/run/systemd/system";
const PROPERTIES = "Id,LoadState,ActiveState,SubState,Result,NRestarts,UnitFileState,ActiveEnterTimestampMonotonic";

export function isSystemdBooted(): boolean {
  return existsSync(BOOTED);
}

/** @returns undefined where systemd does not run or does not answer */
export async function readUnits(names: readonly string[], signal: AbortSignal): Promise<readonly Unit[] | undefined> {
  if (!isSystemdBooted()) return undefined;
  const args = ["show", `--property=${PROPERTIES}`, "--", ...names];
  const answer = await askProgram({ program: "systemctl", args, signal });
  return answer?.exitCode === 0 ? parseUnits(answer.stdout, monotonicMs()) : undefined;
}

/** @returns seconds; 0 where it feeds none, undefined where it cannot be asked */
export async function readFedWatchdog(signal: AbortSignal): Promise<number | undefined> {
  if (!isSystemdBooted()) return undefined;
  const args = ["show", "--property=RuntimeWatchdogUSec", "--value"];
  const answer = await askProgram({ program: "systemctl", args, signal });
  return answer?.exitCode === 0 ? parseSpanSeconds(answer.stdout) : undefined;
}

/** @returns undefined where it cannot be asked */
export async function isClockKept(signal: AbortSignal): Promise<boolean | undefined> {
  if (!isSystemdBooted()) return undefined;
  const args = ["show", "--property=NTPSynchronized", "--value"];
  const answer = await askProgram({ program: "timedatectl", args, signal });
  const word = answer?.exitCode === 0 ? answer.stdout.trim() : "";
  return word === "yes" || word === "no" ? word === "yes" : undefined;
}

/** CLOCK_MONOTONIC, as systemd has it: since the machine started, without the time that it slept. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
