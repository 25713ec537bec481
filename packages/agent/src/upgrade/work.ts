/** What one act of an upgrade works with. */
import { isCodedError, type CodedError } from "@rancheros/protocol/errors";

import type { FaultPoint } from "./fault-points.ts";
import { note, reasonFrom, runOf } from "./journal-edits.ts";
import type { Journal, Run } from "./journal.ts";
import { leftMs, type Moment } from "./moment.ts";
import type { UpgradePorts } from "./ports.ts";

export type Edit = (journal: Journal, now: Moment) => Journal;

export interface Work {
  readonly ports: UpgradePorts;
  /** As the disk has it. */
  readonly journal: () => Journal;
  /** Puts a changed journal onto the disk. @throws UpgradeError UPGRADE_JOURNAL_UNSAVED */
  readonly save: (edit: Edit) => Promise<void>;
  /** Not while a rollback is asked for or called off; see Upgrades. Must not wait for anything that takes long. */
  readonly apart: <T>(work: () => Promise<T>) => Promise<T>;
  /** Before the switch: something has come up, or the plan's time is over. */
  readonly stop: AbortSignal;
  /** The agent is to end; it goes on when it is started again. */
  readonly leave: AbortSignal;
  /** Either. */
  readonly signal: AbortSignal;
  /** Of this moment: given when the plan's time is another one. */
  readonly retimed: () => AbortSignal;
  /** Does something at whose both sides a kill may come. */
  readonly act: <T>(what: Acts, work: () => Promise<T>) => Promise<T>;
  /** For the log: what containers and the drain say. */
  readonly log: (message: string) => void;
}

type Acts = FaultPoint extends infer Point ? (Point extends `${infer What}:before` ? What : never) : never;

const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 60_000;

/** @throws UpgradeError UPGRADE_DEFECT where none is under way */
export function presentRun(work: Work): Run {
  return runOf(work.journal());
}

export async function say(work: Work, message: string): Promise<void> {
  if (presentRun(work).message === message) return;
  await work.save((journal, now) => note(journal, { message }, now));
}

/** What hardly mends itself in the time that a slot may be held: a kubelet on a full disk makes room within a minute, if at all. */
const TRIES: Readonly<Record<string, number>> = {
  CONTAINER_DISK_FULL: 6,
  SLOT_STATE_FULL: 6,
  SLOT_NO_ROOM: 6,
  // It does not come by itself: it is pulled again.
  CONTAINER_IMAGE_MISSING: 1,
  // Its own time is over.
  DRAIN_TIMED_OUT: 1,
  // k3s writes it anew when it is started; what a person has to mend is not mended by waiting.
  KUBECONFIG_MISSING: 6,
  KUBECONFIG_UNREADABLE: 6,
  KUBECONFIG_INVALID: 6,
  // Renewed by the same start.
  KUBECONFIG_CERTIFICATE_EXPIRED: 6,
};
/** What an operating system does not have it will not have later: a quarter of an hour is enough for one that starts late. */
const UNDOING_TRIES: Readonly<Record<string, number>> = { CONTAINER_RUNTIME_MISSING: 20 };

export interface Patience {
  /** From now on, in place of the phase's time. */
  readonly patienceMs?: number;
  /** False where the status says already why the run ends: the log is told then. */
  readonly isTold?: boolean;
}

/**
 * Tries again what may go well later, until the work's signal and the end of its time; what went wrong stands in the status meanwhile.
 * @throws what cannot be mended by waiting, or is not after some tries, and everything once the signal is given
 */
export async function withPatience<T>(
  work: Work,
  attempt: () => Promise<T>,
  { patienceMs, isTold = true }: Patience = {},
): Promise<T> {
  const { host } = work.ports;
  const begun = host.now().uptimeMs;
  const isOver = (): boolean => (patienceMs === undefined ? isLate(work) : host.now().uptimeMs - begun >= patienceMs);
  for (let failures = 0; ;) {
    try {
      const result = await attempt();
      if (isTold && failures > 0) await work.save((journal, now) => note(journal, { lastError: undefined }, now));
      return result;
    } catch (error) {
      const retry = work.signal.aborted || isOver() ? "never" : retryOf(error);
      if (retry === "never" || !isCodedError(error)) throw error;
      const tries = presentRun(work).ending === undefined ? TRIES : UNDOING_TRIES;
      if (failures + 1 >= (tries[error.code] ?? Infinity)) throw error;
      const lastError = reasonFrom(error);
      if (isTold) await work.save((journal, now) => note(journal, { lastError }, now));
      else work.log(`${lastError.message} (${lastError.code}); trying again`);
      const delayMs = delayAfter(retry, failures, 0.5 * host.random());
      failures += 1;
      await host.sleep(delayMs, work.signal);
    }
  }
}

/** Whoever asks for it once has to mend a kubeconfig; who has the time sees it come back, where that is what may come back by itself. */
function retryOf(error: unknown): CodedError["retry"] {
  if (!isCodedError(error)) return "never";
  return error.retry === "never" && error.code.startsWith("KUBECONFIG_") && error.code in TRIES
    ? "backoff"
    : error.retry;
}

function delayAfter(retry: Exclude<CodedError["retry"], "never">, failures: number, spread: number): number {
  if (retry === "backoff") return Math.min(FIRST_DELAY_MS * 2 ** failures, LONGEST_DELAY_MS) * (0.5 + spread);
  // Never earlier than was asked for, and never at once.
  return Math.max(FIRST_DELAY_MS, retry.afterMs) * (1 + spread);
}

/** To put in order what an upgrade leaves behind there is time without end. */
function isLate(work: Work): boolean {
  const run = presentRun(work);
  return run.ending === undefined && leftMs(run, work.ports.host.now()) === 0;
}
