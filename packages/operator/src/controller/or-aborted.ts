/**
 * The result, or a rejection with the signal's reason as soon as it is given: undici looks at a request's signal only when
 * the connection stands, and until then, ten seconds by default, nobody should have to wait.
 */
export async function orAborted<Result>(result: Promise<Result>, signal: AbortSignal): Promise<Result> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([result, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
