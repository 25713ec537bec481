/** What time it is for what all replicas share. */
import type { Kubernetes } from "./io/kubernetes.ts";

/** Below that, clocks agree as well as an answer's date can tell. */
const SKEW_MS = 60_000;

/**
 * The API server's time where a replica's own clock is another one: with a wrong clock it would end what is good for all, or
 * make what is not good yet.
 * @param nowMs  by the replica's clock
 */
export function clusterTimeMs(kubernetes: Pick<Kubernetes, "clockSkewMs">, nowMs: number): number {
  const skewMs = kubernetes.clockSkewMs();
  return nowMs + (Math.abs(skewMs) < SKEW_MS ? 0 : skewMs);
}
