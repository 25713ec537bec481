/** Time as an upgrade counts it: by the clock that nobody sets within a boot, and by names of boots across them. */
import { PHASES } from "@rancheros/protocol/upgrade";

import type { Run } from "./journal.ts";

export interface Moment {
  /** By the wall clock, in milliseconds: only told to people, never counted with. */
  readonly wallMs: number;
  /** /proc/sys/kernel/random/boot_id */
  readonly bootId: string;
  /** Since the boot, in whole milliseconds. */
  readonly uptimeMs: number;
}

/** From the start of a machine until its kubelet has told the API server of that start. */
export const KUBELET_START_MS = 600_000;

/** From a restart of what makes a machine a node until its kubeconfig is there again. */
export const KUBECONFIG_BACK_MS = 20_000;

/** What an upgrade has used of its time until now, in milliseconds. The time in which the machine was off does not count. */
export function spentMs({ spentMs: spent, mark }: Pick<Run, "spentMs" | "mark">, now: Moment): number {
  return spent + (mark.bootId === now.bootId ? Math.max(0, now.uptimeMs - mark.uptimeMs) : now.uptimeMs);
}

/** In milliseconds; not below 0. */
export function leftMs(run: Pick<Run, "order" | "spentMs" | "mark">, now: Moment): number {
  return Math.max(0, run.order.plan.timeoutSeconds * 1000 - spentMs(run, now));
}

/** Whether the time is over in which it could have been made ready to be switched. */
export function isOverdue(run: Run, now: Moment): boolean {
  return run.ending === undefined && !PHASES[run.phase].mayBeSwitched && leftMs(run, now) === 0;
}
