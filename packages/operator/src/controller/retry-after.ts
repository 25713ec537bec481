/** How long the API server wants to be left alone. */
import { hasCode, isCodedError } from "@rancheros/protocol/errors";

/** @returns milliseconds, as its Retry-After says; 0 where it says nothing, and for errors of others */
export function retryAfterMs(error: unknown): number {
  const isBusy = isCodedError(error) && hasCode(error, "KUBERNETES_BUSY");
  return isBusy && typeof error.retry === "object" ? error.retry.afterMs : 0;
}
