/** The head of the answer to one of Node's requests. */
import type { ClientRequest, IncomingMessage } from "node:http";

import { systemCode } from "@rancheros/protocol/errors";

/** A kept connection that the server closed in the moment in which it was used again; the cause is what Node says. */
export class StaleConnection extends Error {}

/**
 * Listens to the request, which the caller ends.
 * @param signal  the one that the request was given: where it has no connection yet, Node does not tell of it
 * @throws the signal's reason; StaleConnection; what the request emits; Error where its connection was closed without an answer
 */
export function answerTo(request: ClientRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const abort = (): void => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  request
    .on("response", resolve)
    .on("error", (cause) => {
      const isStale = request.reusedSocket && systemCode(cause) === "ECONNRESET";
      reject(isStale ? new StaleConnection("closed meanwhile", { cause }) : cause);
    })
    // Who answers that it speaks something else from now on is left by Node without a word.
    .on("close", () => reject(new Error("closed without an answer")));
  return promise.finally(() => signal.removeEventListener("abort", abort));
}
