/** A clock that goes on to the next timer as soon as nothing else is to be done. */

export interface VirtualTime {
  uptimeMs: number;
  wallMs: number;
  sleep(delayMs: number, signal: AbortSignal): Promise<void>;
  /** Runs until the promise is settled. */
  until<T>(promise: Promise<T>): Promise<T>;
  /** Timers of a process that has died. */
  forget(): void;
}

interface Timer {
  readonly atMs: number;
  readonly ring: () => void;
}

/** Days of a machine that looks every few seconds. */
const MAX_TICKS = 3_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function createVirtualTime(): VirtualTime {
  let timers: Timer[] = [];
  const time: VirtualTime = {
    uptimeMs: 60_000,
    wallMs: Date.UTC(2026, 0, 1),
    sleep(delayMs, signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) {
          reject(new Error("aborted"));
          return;
        }
        // As Node's: what is longer than they can wait for is no wait at all.
        const timer: Timer = { atMs: time.uptimeMs + (delayMs > LONGEST_TIMER_MS ? 1 : delayMs), ring: resolve };
        timers.push(timer);
        signal.addEventListener("abort", () => {
          timers = timers.filter((one) => one !== timer);
          reject(new Error("aborted"));
        });
      });
    },
    async until(promise) {
      const state = { isSettled: false };
      const settled = promise.finally(() => (state.isSettled = true));
      settled.catch(() => undefined);
      for (let idle = 0, ticks = 0; ; ticks++) {
        if (ticks > MAX_TICKS) throw new Error(`no end after ${MAX_TICKS} timers, at ${time.uptimeMs}`);
        await tick();
        if (state.isSettled) break;
        const next = timers.reduce<Timer | undefined>(
          (first, one) => (first === undefined || one.atMs < first.atMs ? one : first),
          undefined,
        );
        if (next === undefined) {
          if (++idle > 100) throw new Error("nothing is to be done any more, and the end has not come");
          continue;
        }
        idle = 0;
        timers = timers.filter((one) => one !== next);
        const passedMs = Math.max(0, next.atMs - time.uptimeMs);
        time.uptimeMs = Math.round(time.uptimeMs + passedMs);
        time.wallMs = Math.round(time.wallMs + passedMs);
        next.ring();
      }
      return settled;
    },
    forget: () => (timers = []),
  };
  return time;
}
