/** Pods of channels of type custom at the API server. */
import { hasCode, isCodedError } from "@rancheros/protocol/errors";
import type { ManagedOSVersionChannel } from "@rancheros/protocol/resources";
import { setTimeout as sleep } from "node:timers/promises";
import { readOrNothing, type Kubernetes } from "../../controller/index.ts";
import { DISPLAY_CONTAINER, LOG_MAX_BYTES, podName, type PodCalls } from "../channel-pod.ts";
import { LIST_MAX_BYTES } from "../channel-list.ts";
import { ChannelError } from "../errors.ts";

const LOG_IDLE_MS = 15_000;
const LOG_TIMEOUT_MS = 60_000;

function uidOf(pod: unknown): string {
  const metadata: unknown = typeof pod === "object" && pod !== null && "metadata" in pod ? pod.metadata : undefined;
  const uid: unknown =
    typeof metadata === "object" && metadata !== null && "uid" in metadata ? metadata.uid : undefined;
  return typeof uid === "string" ? uid : "";
}

/**
 * @param kubernetes  for reading, and for taking a pod away also where the lead is lost
 * @param led         of the replica that leads
 */
export function podCalls(
  kubernetes: Kubernetes,
  led: Kubernetes,
  channel: ManagedOSVersionChannel,
  signal: AbortSignal,
): PodCalls {
  const collection = `/api/v1/namespaces/${channel.metadata.namespace}/pods`;
  const name = podName(channel);
  const path = `${collection}/${name}`;

  async function readLog(end: AbortSignal): Promise<Buffer> {
    const query = `container=${DISPLAY_CONTAINER}&limitBytes=${LOG_MAX_BYTES}`;
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of await kubernetes.open(`${path}/log?${query}`, end, LOG_IDLE_MS)) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > LIST_MAX_BYTES) {
        throw new ChannelError("CHANNEL_NONSENSE", `pod ${name}: gives more than ${LIST_MAX_BYTES} bytes`);
      }
    }
    return Buffer.concat(chunks);
  }

  return {
    read: () => readOrNothing(kubernetes, path),
    async create(pod) {
      try {
        return await led.send({ method: "POST", path: collection, body: pod });
      } catch (error) {
        // Refused for what it is, not because the server is away.
        const isRefused = hasCode(error, "KUBERNETES_REFUSED") || hasCode(error, "KUBERNETES_ALREADY_EXISTS");
        if (!isRefused || !isCodedError(error)) throw error;
        throw new ChannelError("CHANNEL_POD_NOT_MADE", error.message.slice(0, 512), { cause: error });
      }
    },
    async remove(pod) {
      const body = { apiVersion: "v1", kind: "DeleteOptions", preconditions: { uid: uidOf(pod) } };
      try {
        await kubernetes.send({ method: "DELETE", path, body });
      } catch (error) {
        if (!hasCode(error, "KUBERNETES_NOT_FOUND") && !hasCode(error, "KUBERNETES_CONFLICT")) throw error;
      }
    },
    log: () => readLog(AbortSignal.any([signal, AbortSignal.timeout(LOG_TIMEOUT_MS)])),
    async sleep(ms) {
      try {
        await sleep(ms, undefined, { signal });
      } catch (cause) {
        throw new ChannelError("CHANNEL_INTERRUPTED", "the pod was not waited for", { cause });
      }
    },
    steadyMs: () => performance.now(),
  };
}
