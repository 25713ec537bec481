/** The node that this machine is, through its cluster's API server. */
import { hasCode } from "@rancheros/protocol/errors";

import {
  cordonNode,
  drainNode,
  drainOptions,
  FIELD_MANAGER,
  readDrainVerdict,
  uncordonNode,
  type DrainEvent,
} from "../drain/index.ts";
import type { KubernetesClient } from "../kubernetes/index.ts";
import { DrainSummary } from "./drain-summary.ts";
import { parseMachineNode } from "./machine-node.ts";
import type { NodePort } from "./ports.ts";

export interface ClusterOptions {
  /** Finds a kubeconfig anew: it may come, go and change while the agent runs. */
  readonly connect: () => Promise<KubernetesClient>;
  readonly ownName: (client: KubernetesClient, signal: AbortSignal) => Promise<string>;
}

export interface ClusterNode extends NodePort {
  close(): void;
}

/** For what a look costs at most: the API server of a machine that restarts may take connections and answer nothing. */
const LOOK_TIMEOUT_MS = 15_000;

/** A client that several share: whoever meets a failure on it leaves it to the others, who may be in the midst of a drain. */
interface SharedClient {
  readonly client: KubernetesClient;
  readonly name: string;
  users: number;
}

/** Everything in it throws NodeApiError and DrainError. */
export function clusterNode({ connect, ownName }: ClusterOptions): ClusterNode {
  let shared: SharedClient | undefined;
  const present = (): SharedClient | undefined => shared;
  const closeUnused = (one: SharedClient): void => {
    if (one.users === 0 && one !== shared) one.client.close();
  };
  const take = async (signal: AbortSignal): Promise<SharedClient> => {
    const there = present();
    if (there !== undefined) {
      there.users += 1;
      return there;
    }
    const client = await connect();
    try {
      const one = { client, name: await ownName(client, signal), users: 1 };
      // Another may have been faster: then this one goes with its only use.
      shared ??= one;
      return one;
    } catch (error) {
      client.close();
      throw error;
    }
  };
  const use = async <T>(
    signal: AbortSignal,
    work: (client: KubernetesClient, name: string) => Promise<T>,
  ): Promise<T> => {
    const one = await take(signal);
    try {
      return await work(one.client, one.name);
    } catch (error) {
      // The next one begins with what lies on the disk then.
      if (one === shared) shared = undefined;
      throw error;
    } finally {
      one.users -= 1;
      closeUnused(one);
    }
  };
  return {
    close() {
      const one = shared;
      shared = undefined;
      one?.client.close();
    },
    async look(signal) {
      try {
        return await use(signal, async (client, name) => {
          const path = `/api/v1/nodes/${encodeURIComponent(name)}`;
          return parseMachineNode(await client.send({ method: "GET", path, timeoutMs: LOOK_TIMEOUT_MS, signal }));
        });
      } catch (error) {
        if (hasCode(error, "KUBECONFIG_MISSING")) return undefined;
        throw error;
      }
    },
    cordon: (signal) =>
      use(signal, async (client, name) => {
        const { changed, setBy } = await cordonNode(client, name, { signal });
        return changed || setBy === FIELD_MANAGER;
      }),
    cordonedBy: (signal) =>
      use(signal, async (client, name) => {
        const { changed, setBy } = await cordonNode(client, name, { dryRun: "client", signal });
        if (changed) return "nobody";
        if (setBy === undefined) return "unknown";
        return setBy === FIELD_MANAGER ? "agent" : "others";
      }),
    uncordon: (signal) =>
      use(signal, async (client, name) => {
        await uncordonNode(client, name, { signal });
      }),
    reasonNotToDrain: (signal) =>
      use(signal, async (client, name) => {
        const verdict = await readDrainVerdict(client, name, signal);
        return verdict.kind === "skip" ? verdict.sentence : undefined;
      }),
    drain: (spec, signal, onProgress) =>
      use(signal, async (client, nodeName) => {
        const options = drainOptions(spec);
        const summary = new DrainSummary();
        const onEvent = (event: DrainEvent): void => {
          const progress = summary.note(event);
          if (progress !== undefined) onProgress(progress);
        };
        await drainNode(client, { nodeName, options, signal, onEvent });
      }),
  };
}
