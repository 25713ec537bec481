/** What an API server wants to be asked later is asked later, as kubectl's client does it by itself. */
import { NodeApiError } from "./errors.ts";
import type { ApiRequest, KubernetesClient } from "./kubernetes-client.ts";

/** Source: k8s.io/client-go/rest/request.go, maxRetries; with_retry.go, checkWait: 429 and above 500, with Retry-After in seconds */
const MAX_RETRIES = 10;
/** A header of 0 s asks for no waiting: ten attempts at once would only make it worse. */
const SHORTEST_DELAY_MS = 500;

/**
 * For what is read, and for a cordon: whoever evicts judges each refusal himself.
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
    close: () => client.close(),
    async send(request: ApiRequest) {
      for (let retries = 0; ; retries++) {
        try {
          return await client.send(request);
        } catch (error) {
          const delayMs = retries < MAX_RETRIES ? askedDelayMs(error, request) : undefined;
          if (delayMs === undefined) throw error;
          await sleep(delayMs, request.signal).catch((cause: unknown) => {
            const message = "the waiting for the API server was broken off";
            throw new NodeApiError("NODE_API_INTERRUPTED", message, { cause });
          });
        }
      }
    },
  };
}

function askedDelayMs(error: unknown, { method }: ApiRequest): number | undefined {
  if (method !== "GET" && method !== "PATCH") return undefined;
  if (!(error instanceof NodeApiError) || typeof error.retry !== "object") return undefined;
  return Math.max(error.retry.afterMs, SHORTEST_DELAY_MS);
}
