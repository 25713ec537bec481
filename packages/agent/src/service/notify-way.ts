/** How this process can speak with the service manager that has started it. */

export type NotifyWay =
  /** Nobody wants to know. */
  | { readonly kind: "none" }
  /** The notification socket, connected and handed in by `OpenFile=` of the unit. */
  | { readonly kind: "descriptor"; readonly descriptor: number }
  /** systemd-notify, a process for each message: before systemd 253, which knows no OpenFile=. */
  | { readonly kind: "program" };

/** Name of the descriptor in the unit: `OpenFile=/run/systemd/notify:notify:graceful`. */
export const NOTIFY_DESCRIPTOR_NAME = "notify";
const FIRST_DESCRIPTOR = 3;
/** Of what is longer Node's timers make a millisecond. */
const LONGEST_INTERVAL_MS = 2 ** 31 - 1;

/** Source: sd_notify(3), sd_listen_fds(3), systemd.service(5) OpenFile= */
export function notifyWay(environment: Readonly<Record<string, string | undefined>>, pid: number): NotifyWay {
  const index = (environment["LISTEN_FDNAMES"] ?? "").split(":").indexOf(NOTIFY_DESCRIPTOR_NAME);
  const isOurs = environment["LISTEN_PID"] === String(pid);
  if (isOurs && index >= 0 && index < Number(environment["LISTEN_FDS"])) {
    return { kind: "descriptor", descriptor: FIRST_DESCRIPTOR + index };
  }
  return (environment["NOTIFY_SOCKET"] ?? "") === "" ? { kind: "none" } : { kind: "program" };
}

/** @returns how often a sign of life is wanted, with time to spare; undefined for never. Source: sd_watchdog_enabled(3) */
export function watchdogIntervalMs(
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): number | undefined {
  const { WATCHDOG_USEC: usec, WATCHDOG_PID: forPid } = environment;
  if (usec === undefined || !/^[1-9]\d{0,15}$/.test(usec)) return undefined;
  if (forPid !== undefined && forPid !== String(pid)) return undefined;
  return Math.min(Math.max(1, Math.floor(Number(usec) / 1000 / 3)), LONGEST_INTERVAL_MS);
}

/** One line, so that a message cannot bring others along. */
export function statusLine(text: string): string {
  return `STATUS=${text.replaceAll(/\p{Cc}+/gu, " ").slice(0, 512)}`;
}
