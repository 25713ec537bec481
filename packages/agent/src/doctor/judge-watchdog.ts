/** Whether a machine that hangs restarts by itself. */
import { DoctorError } from "./errors.ts";
import { ok, warn, type Verdict } from "./verdict.ts";

export interface WatchdogFacts {
  /** As `iTCO_wdt`; none where the kernel knows no watchdog. */
  readonly devices: readonly { readonly name: string; readonly identity: string }[];
  /** systemd's RuntimeWatchdogUSec in seconds; 0 where it feeds none; undefined where nobody can be asked. */
  readonly fedSeconds: number | undefined;
}

/** @param hasSlots  a trial that hangs goes back by the watchdog alone */
export function judgeWatchdog({ devices, fedSeconds }: WatchdogFacts, hasSlots: boolean): Verdict<undefined> {
  const names = devices.map(({ identity, name }) => (identity === "" ? name : identity)).join(", ");
  if (devices.length === 0) {
    const sentence = "this machine has no watchdog";
    return hasSlots
      ? warn(new DoctorError("DOCTOR_WATCHDOG_MISSING", sentence))
      : ok(`${sentence}, and no slots whose trial could hang`);
  }
  if (fedSeconds === undefined) return ok(`${names}; systemd, which would feed it, cannot be asked`);
  if (fedSeconds > 0) return ok(`${names}, fed by systemd, restarts after ${fedSeconds} s of silence`);
  const sentence = `systemd does not use the watchdog ${names}`;
  return hasSlots ? warn(new DoctorError("DOCTOR_WATCHDOG_UNFED", sentence)) : ok(sentence);
}
