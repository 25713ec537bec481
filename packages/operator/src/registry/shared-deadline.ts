/** One deadline for all endpoints of an image: those that are still to come keep their share. */
import type { Endpoint } from "./endpoints.ts";

export interface TimedEndpoint {
  readonly endpoint: Endpoint;
  /** On the same clock. */
  readonly deadlineAtMs: number;
}

/**
 * @param nowMs       the clock, read when an endpoint has its turn
 * @param deadlineMs  for all of them together
 */
export function* sharedDeadline(
  endpoints: readonly Endpoint[],
  nowMs: () => number,
  deadlineMs: number,
): Generator<TimedEndpoint, void, undefined> {
  const endAtMs = nowMs() + deadlineMs;
  for (const [index, endpoint] of endpoints.entries()) {
    const beganMs = nowMs();
    yield { endpoint, deadlineAtMs: beganMs + (endAtMs - beganMs) / (endpoints.length - index) };
  }
}
