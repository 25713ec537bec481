/** What talking with the operator needs of the world. */
export interface LinkOutside {
  /** Of a clock that nobody sets, in milliseconds. */
  readonly nowMs: () => number;
  readonly random: () => number;
  /** Rejects when the signal is given. */
  readonly sleep: (delayMs: number, signal: AbortSignal) => Promise<void>;
}

/** Resolves after the delay, or as soon as something is awaited that comes earlier, or with the signal. */
export async function pause(
  { sleep }: LinkOutside,
  delayMs: number,
  signal: AbortSignal,
  earlier: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  try {
    await Promise.race([sleep(delayMs, either).catch(() => undefined), earlier(either).catch(() => undefined)]);
  } finally {
    over.abort();
  }
}
