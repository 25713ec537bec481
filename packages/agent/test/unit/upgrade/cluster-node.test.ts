/** Whose a cordon is, as an upgrade's journal hears it. */
import { describe, expect, it } from "vitest";

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
