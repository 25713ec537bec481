/** The node as an upgrade asks for it: whose a cordon is, and who shares a connection. */
import { describe, expect, it } from "vitest";

import { NodeApiError, type KubernetesClient } from "../../../src/kubernetes/index.ts";
import { clusterNode } from "../../../src/upgrade/cluster-node.ts";
import { FakeCluster, NODE } from "../drain/fake-cluster.ts";
import { VirtualTime } from "../drain/virtual-time.ts";

const signal = new AbortController().signal;

function open(away: readonly (readonly [fromMs: number, toMs: number])[] = []) {
  const time = new VirtualTime();
  const cluster = new FakeCluster(time, [], away);
  const node = clusterNode({ connect: () => Promise.resolve(cluster), ownName: () => Promise.resolve(NODE) });
  return { cluster, cordon: () => time.run(node.cordon(signal)) };
}

/** One of several that are opened one after the other; a request lasts until it is answered. */
interface PlayedClient extends KubernetesClient {
  isClosed: boolean;
  readonly answers: PromiseWithResolvers<unknown>[];
}

function playedClient(): PlayedClient {
  const answers: PromiseWithResolvers<unknown>[] = [];
  const client: PlayedClient = {
    host: "server:6443",
    kubeconfigPath: "/kubeconfig",
    identity: { kind: "kubelet", nodeName: NODE },
    isClosed: false,
    answers,
    serverMs: Date.now,
    send() {
      const answer = Promise.withResolvers<unknown>();
      answers.push(answer);
      return answer.promise;
    },
    close: () => {
      client.isClosed = true;
    },
  };
  return client;
}

function openPlayed() {
  const clients: PlayedClient[] = [];
  const connect = (): Promise<KubernetesClient> => {
    const client = playedClient();
    clients.push(client);
    return Promise.resolve(client);
  };
  return { clients, node: clusterNode({ connect, ownName: () => Promise.resolve(NODE) }) };
}

const ANSWER = { metadata: { name: NODE, uid: "u1" }, spec: {}, status: {} };

describe("a connection to the API server", () => {
  it("stays open under whoever uses it when another's request fails, and the next one opens another", async () => {
    const { clients, node } = openPlayed();
    const first = node.look(signal);
    await expect.poll(() => clients[0]?.answers).toHaveLength(1);
    const second = node.look(signal);
    await expect.poll(() => clients[0]?.answers).toHaveLength(2);
    clients[0]?.answers[1]?.reject(new NodeApiError("NODE_API_INTERRUPTED", "broken off"));
    await expect(second).rejects.toMatchObject({ code: "NODE_API_INTERRUPTED" });
    expect(clients[0]?.isClosed).toBe(false);
    const third = node.look(signal);
    await expect.poll(() => clients[1]?.answers).toHaveLength(1);
    clients[0]?.answers[0]?.resolve(ANSWER);
    expect((await first)?.name).toBe(NODE);
    expect(clients[0]?.isClosed).toBe(true);
    clients[1]?.answers[0]?.resolve(ANSWER);
    await third;
    expect(clients[1]?.isClosed).toBe(false);
    node.close();
    expect(clients.map(({ isClosed }) => isClosed)).toEqual([true, true]);
  });

  it("is closed in the end also where two have opened one at the same time", async () => {
    const { clients, node } = openPlayed();
    const looks = [node.look(signal), node.look(signal)];
    await expect.poll(() => clients.flatMap(({ answers }) => answers)).toHaveLength(2);
    for (const { answers } of clients) for (const answer of answers) answer.resolve(ANSWER);
    await Promise.all(looks);
    node.close();
    expect(clients.every(({ isClosed }) => isClosed)).toBe(true);
  });
});

describe("a cordon for an upgrade", () => {
  it("is its own also where the answer got lost and nobody could be asked for a while", async () => {
    // Asked at 20 ms, changed at 40 ms, asked again at 60 ms.
    const { cluster, cordon } = open([[50, 70]]);
    cluster.losesCordon = true;
    await expect(cordon()).rejects.toMatchObject({ code: "NODE_API_UNREACHABLE" });
    expect(cluster.unschedulable).toBe(true);
    expect(await cordon()).toBe(true);
  });

  it("is somebody else's where the API server remembers him", async () => {
    const { cluster, cordon } = open();
    cluster.unschedulable = true;
    cluster.cordonedBy = "kubectl-cordon";
    expect(await cordon()).toBe(false);
  });
});
