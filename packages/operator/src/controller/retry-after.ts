/** How long the API server wants to be left alone. */
import { isCodedError } from "@rancheros/protocol/errors";

/** @returns milliseconds, as its Retry-After says; 0 where it says nothing */
export function retryAfterMs(error: unknown): number {
  return isCodedError(error) && typeof error.retry === "object" ? error.retry.afterMs : 0;
}
