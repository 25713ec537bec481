/** What an API server wants to be asked later is asked later, as kubectl's client does it by itself. */
import { NodeApiError } from "./errors.ts";
import type { ApiRequest, KubernetesClient } from "./kubernetes-client.ts";

/** Source: k8s.io/client-go/rest/request.go, maxRetries; with_retry.go, checkWait: 429 and above 500, with Retry-After in seconds */
const MAX_RETRIES = 10;
/** A header of 0 s asks for no waiting: ten attempts at once would only make it worse. */
const SHORTEST_DELAY_MS = 500;

/**
 * For what is read, and for a cordon: whoever evicts judges each refusal himself. A conflict of a PATCH that was sent again
 * has the last unclear answer as its cause: that may have been carried out, and the conflict be with ourselves.
 * @param sleep  rejects when the signal is given
 */
export function askedAgain(
  client: KubernetesClient,
  sleep: (delayMs: number, signal: AbortSignal) => Promise<void>,
): KubernetesClient {
  return {
    host: client.host,
    kubeconfigPath: client.kubeconfigPath,
    identity: client.identity,
    serverMs: () => client.serverMs(),
    close: () => client.close(),
    async send(request: ApiRequest) {
      let unclear: NodeApiError | undefined;
      for (let retries = 0; ; retries++) {
        try {
          return await client.send(request);
        } catch (error) {
          const delayMs = retries < MAX_RETRIES ? askedDelayMs(error, request) : undefined;
          if (delayMs === undefined) throw unclear === undefined ? error : withCause(error, unclear);
          if (error instanceof NodeApiError && request.method === "PATCH" && !isTurnedAway(error)) unclear = error;
          await sleep(delayMs, request.signal).catch((cause: unknown) => {
            const message = "the waiting for the API server was broken off";
            throw new NodeApiError("NODE_API_INTERRUPTED", message, { cause });
          });
        }
      }
    },
  };
}

/** By its limit of requests, before anything was done; another server's 5xx may come after it. */
function isTurnedAway({ status }: NodeApiError): boolean {
  return status?.httpStatus === 429;
}

function withCause(error: unknown, cause: NodeApiError): unknown {
  if (!(error instanceof NodeApiError) || error.code !== "NODE_API_CONFLICT") return error;
  const { code, message, status } = error;
  return new NodeApiError(code, message, { cause, ...(status === undefined ? {} : { status }) });
}

function askedDelayMs(error: unknown, { method }: ApiRequest): number | undefined {
  if (method !== "GET" && method !== "PATCH") return undefined;
  if (!(error instanceof NodeApiError) || typeof error.retry !== "object") return undefined;
  return Math.max(error.retry.afterMs, SHORTEST_DELAY_MS);
}
