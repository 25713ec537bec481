/** A machine that has joined tells what it is: once, or again and again at the server's pace. */
import { readMachineState, type MachineState } from "@rancheros/protocol/attestation";
import { isCodedError } from "@rancheros/protocol/errors";

import { askDelayMs } from "./approval.ts";
import { RegistrationError } from "./errors.ts";
import { reportBytes, type OwnReport } from "./machine-report.ts";
import type { RegistrationEvent } from "./register.ts";
import { daemonRetryDelayMs, type RetryOutside } from "./retry.ts";
import type { SessionKeeper } from "./session-keeper.ts";

export interface ReportOptions {
  /** Read anew for each report: addresses and versions change. */
  readonly readReport: () => Promise<OwnReport>;
  /** Go on until the signal, also where the machine is denied or gone: that may be taken back. Otherwise one report. */
  readonly goesOn: boolean;
  readonly signal: AbortSignal;
  readonly onEvent: (event: RegistrationEvent) => void;
  /** After each report that was taken. */
  readonly onReported: (state: MachineState, nextMs: number) => void;
}

/**
 * @returns after one report, or, where it goes on, when the signal was given
 * @throws RegistrationError, TpmError, AttestationMessageError; where it goes on, only what daemonRetryDelayMs lets end it
 */
export async function reportThrough(
  outside: Pick<RetryOutside, "random" | "sleep">,
  keeper: SessionKeeper,
  options: ReportOptions,
): Promise<void> {
  const { goesOn, signal, onReported } = options;
  for (let failures = 0; ;) {
    let delayMs: number;
    try {
      const state = await sendReport(keeper, await options.readReport());
      delayMs = askDelayMs(state.nextAskInSeconds, outside.random());
      onReported(state, delayMs);
      failures = 0;
    } catch (error) {
      if (goesOn && signal.aborted) return;
      delayMs = delayAfter(error, ++failures, options, outside.random());
    }
    if (!goesOn) return;
    const wasBrokenOff = await outside.sleep(delayMs, signal).then(
      () => false,
      () => true,
    );
    if (wasBrokenOff) return;
  }
}

function delayAfter(error: unknown, failures: number, options: ReportOptions, random: number): number {
  if (!isCodedError(error) || !options.goesOn) throw error;
  const delayMs = daemonRetryDelayMs(error, failures, random);
  if (delayMs === undefined) throw error;
  options.onEvent({ kind: "retry", error, delayMs });
  return delayMs;
}

async function sendReport(keeper: SessionKeeper, report: OwnReport): Promise<MachineState> {
  const body = reportBytes(report);
  const state = await keeper.with((session) =>
    session.ask({ method: "PUT", endpoint: "report", step: "report", body }, readMachineState),
  );
  if (state.approval !== "Denied") return state;
  const machine = `${state.machine.namespace}/${state.machine.name}`;
  throw new RegistrationError("REGISTRATION_DENIED", `the machine ${machine} was denied`, { details: { machine } });
}
