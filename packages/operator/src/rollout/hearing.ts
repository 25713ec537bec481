/** Since when this replica hears what machines say: of a time in which none could speak, no machine is to blame. */
import type { RolloutParts } from "./rollout-parts.ts";

/** A clock that is put forward by no more changes nothing that is counted in minutes. */
const TOLERANCE_MS = 60_000;
const STEPS_KEPT = 16;

export interface Heard {
  /** By the cluster's clock. */
  readonly sinceMs: number;
  /** By how much the clock was put forward since that time: what has passed is so much less than it says. */
  readonly putForwardMs: (fromMs: number) => number;
}

/** From always on, by a clock that was right. */
export const ALWAYS_HEARD: Heard = { sinceMs: Number.NEGATIVE_INFINITY, putForwardMs: () => 0 };

export type Hearing = () => Heard;

export interface WithHearing {
  readonly hearing: Hearing;
}

interface Step {
  /** What the clock said before. */
  readonly fromMs: number;
  readonly byMs: number;
}

/** A clock that is put back was put forward by mistake, as far as it was. */
function takenBack(steps: readonly Step[], byMs: number): readonly Step[] {
  const last = steps.at(-1);
  if (last === undefined || byMs <= 0) return steps;
  const rest = steps.slice(0, -1);
  return last.byMs > byMs ? [...rest, { ...last, byMs: last.byMs - byMs }] : takenBack(rest, byMs - last.byMs);
}

/**
 * @returns what tells since when: since the start, or since the API server is there again, or since the clock was put
 *          forward, as after a night in which the host was suspended, when the time of all machines is over at once; while
 *          the API server is away, that is now. It is to be asked now and then, or it misses that.
 */
export function createHearing({
  machinesSynced,
  nowMs,
  steadyMs,
}: Pick<RolloutParts, "machinesSynced" | "nowMs" | "steadyMs">): Hearing {
  let sinceMs: number | undefined;
  let before: { readonly now: number; readonly steady: number } | undefined;
  let steps: readonly Step[] = [];

  /** @returns whether it was put forward */
  function noteStep(now: number): boolean {
    const steady = steadyMs();
    const fromMs = before === undefined ? now : before.now + steady - before.steady;
    before = { now, steady };
    const byMs = now - fromMs;
    if (byMs > TOLERANCE_MS) steps = [...steps, { fromMs, byMs }].slice(-STEPS_KEPT);
    if (byMs < -TOLERANCE_MS) steps = takenBack(steps, -byMs);
    return byMs > TOLERANCE_MS;
  }

  return () => {
    const now = nowMs();
    const isPutForward = noteStep(now);
    const fromMs = isPutForward ? now : Math.min(sinceMs ?? now, now);
    sinceMs = machinesSynced() ? fromMs : undefined;
    const known = steps;
    return {
      sinceMs: sinceMs ?? now,
      putForwardMs: (ms) => known.reduce((sum, step) => (ms <= step.fromMs ? sum + step.byMs : sum), 0),
    };
  };
}
