/** The checks of a machine that is a node: its container runtime, its API server, its Node, its rights there. */
import { hasCode } from "@rancheros/protocol/errors";

import { describeRuntime, runtimeMissing, type ContainerRuntime } from "../containers/index.ts";
import type { KubernetesClient } from "../kubernetes/index.ts";
import { NOTHING, both, ifFound, type Checkup } from "./checkup.ts";
import type { DoctorOutside } from "./doctor-outside.ts";
import { judgeNode } from "./judge-node.ts";
import { checkRights } from "./node-rights.ts";
import { ok, skipped } from "./verdict.ts";

export interface ClusterCheckOptions {
  /** Closed by whoever gave the checks. */
  readonly onConnect: (client: KubernetesClient) => void;
}

const NO_NODE = "this machine has no kubeconfig, so it is no node of a cluster";
const REQUEST_TIMEOUT_MS = 4_500;
const DOCKER_SOCKET = "/run/docker.sock";
const ASLEEP = "docker does not run: systemd starts it with its first connection, and looking starts nothing";

export type ClusterOutside = Pick<
  DoctorOutside,
  "findRuntime" | "askRuntime" | "readUnits" | "connectKubernetes" | "ownNodeName"
>;

export function addClusterChecks(checkup: Checkup, outside: ClusterOutside, { onConnect }: ClusterCheckOptions): void {
  const connect = once(async (): Promise<KubernetesClient | undefined> => {
    try {
      const client = await outside.connectKubernetes();
      onConnect(client);
      return client;
    } catch (error) {
      if (hasCode(error, "KUBECONFIG_MISSING")) return undefined;
      throw error;
    }
  });
  checkup.add("container-runtime", {
    needs: NOTHING,
    run: async (_needed, signal) => {
      const search = await outside.findRuntime();
      if (search.kind === "missing") {
        // Broken or not: a kubeconfig is what a node has.
        const isNode = (await connect().catch(() => "broken")) !== undefined;
        if (isNode) throw runtimeMissing(search.looks);
        return skipped("this machine runs no containers, and is no node of a cluster");
      }
      if (await isAsleep(outside, search.runtime, signal)) return skipped(ASLEEP);
      await outside.askRuntime(search.runtime, signal);
      return ok(`${describeRuntime(search.runtime)} answers`);
    },
  });
  const server = checkup.add<undefined, KubernetesClient>("api-server", {
    needs: NOTHING,
    run: async (_needed, signal) => {
      const client = await connect();
      if (client === undefined) return skipped(NO_NODE);
      await client.send({ method: "GET", path: "/version", timeoutMs: REQUEST_TIMEOUT_MS, signal });
      return ok(`${client.host} answers; logged in with ${client.kubeconfigPath}`, client);
    },
  });
  const node = checkup.add("own-node", {
    needs: server,
    run: async (client, signal) => {
      const name = await outside.ownNodeName(client, signal);
      const path = `/api/v1/nodes/${encodeURIComponent(name)}`;
      const verdict = judgeNode(await client.send({ method: "GET", path, timeoutMs: REQUEST_TIMEOUT_MS, signal }));
      return verdict.kind === "ok" || verdict.kind === "warn" ? { ...verdict, value: name } : verdict;
    },
  });
  checkup.add("rights", {
    // A node that is not Ready has rights as well: its name is asked for again.
    needs: both(server, ifFound(node)),
    run: async ([client, known], signal) =>
      checkRights(client, known ?? (await outside.ownNodeName(client, signal)), signal),
  });
}

/** Only the system's own docker has a socket of systemd's; podman needs no service, and containerd's socket is its own. */
async function isAsleep(
  outside: Pick<DoctorOutside, "readUnits">,
  { kind, socket }: ContainerRuntime,
  signal: AbortSignal,
): Promise<boolean> {
  if (kind !== "docker" || socket !== DOCKER_SOCKET) return false;
  const units = await outside.readUnits(["docker.socket", "docker.service"], signal);
  const stateOf = (name: string): string | undefined => units?.find((unit) => unit.name === name)?.activeState;
  return stateOf("docker.socket") === "active" && stateOf("docker.service") === "inactive";
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= work());
}
