/** The time that a drain has: one deadline, pauses that end with it, and an end at any moment on request. */
import { DEFAULT_REQUEST_TIMEOUT_MS } from "../kubernetes/index.ts";
import { DrainError } from "./errors.ts";

/** What a drain needs of the world beside the API server. */
export interface DrainOutside {
  /** Of a clock that only goes forward, in milliseconds. */
  readonly nowMs: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Rejects when the signal is given. */
  readonly sleep: (delayMs: number, signal: AbortSignal) => Promise<void>;
}

export interface Course {
  readonly signal: AbortSignal;
  isOver(): boolean;
  /** How long one request may take: not past the end by more than a moment, so that the last one has a chance. */
  requestMs(): number;
  /** Not longer than the time that is left. @throws DrainError DRAIN_INTERRUPTED */
  pause(delayMs: number): Promise<void>;
}

/** As long as a timer of Node can wait. */
const LONGEST_PAUSE_MS = 2 ** 31 - 1;
const SHORTEST_REQUEST_MS = 2_000;

/** @param timeoutMs  from now on; 0 is without end */
export function startCourse(
  outside: Pick<DrainOutside, "nowMs" | "sleep">,
  timeoutMs: number,
  signal: AbortSignal,
): Course {
  const endMs = timeoutMs === 0 ? Number.POSITIVE_INFINITY : outside.nowMs() + timeoutMs;
  return {
    signal,
    requestMs: () => Math.min(Math.max(endMs - outside.nowMs(), SHORTEST_REQUEST_MS), DEFAULT_REQUEST_TIMEOUT_MS),
    isOver: () => outside.nowMs() >= endMs,
    async pause(delayMs) {
      const leftMs = Math.max(Math.min(delayMs, endMs - outside.nowMs(), LONGEST_PAUSE_MS), 0);
      await outside.sleep(Math.ceil(leftMs), signal).catch((cause: unknown) => {
        throw new DrainError("DRAIN_INTERRUPTED", "the drain was broken off", { cause });
      });
    },
  };
}
