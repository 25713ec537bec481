/** Which start of the machine this is, and how long ago it was. */
import { readFileSync } from "node:fs";

export function bootMoment(): { readonly bootId: string; readonly uptimeMs: () => number } {
  return {
    bootId: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
    // CLOCK_BOOTTIME, which nobody sets. Source: proc_uptime(5)
    uptimeMs: () => Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000,
  };
}
