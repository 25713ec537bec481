/** Both drains in a cluster that lives: evicted pods come back elsewhere, and budgets let the next ones go. */
import { connectKubernetes } from "@rancheros/agent/kubernetes";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { controlledCluster } from "../../control-plane/controlled-cluster.ts";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { inventName, useNamespace } from "../../control-plane/namespace.ts";
import { COMBINATIONS, type Combination } from "../../drain-parity/combinations.ts";
import { runKubectlDrain } from "../../drain-parity/kubectl-drain.ts";
import { runOurDrain } from "../../drain-parity/our-drain.ts";
import { eventually, getObject } from "../../operator/objects.ts";
import { isReady, KUBELETS_LABEL, startKubelets, type Kubelets, type Pod } from "../../kubelets/index.ts";

const REPLICAS = 3;
/** Three pods of which one may be missing: two refusals at least, 5 s apart. */
const COMBINATION: Combination = { ...COMBINATIONS[0]!, timeoutSeconds: 60 };
const TIMEOUT_MS = 120_000;
const ROOM_AFTER_MS = 3_000;

const target = await controlledCluster(inject("controlPlane"));
const PROGRAMS = ["kubectl", "ours"] as const;
type Program = (typeof PROGRAMS)[number];
const namespaces = { kubectl: useNamespace(target, "kubectl"), ours: useNamespace(target, "ours") };
const prefixes = { kubectl: inventName("kubectl"), ours: inventName("ours") };
const clusters = new Map<Program, Kubelets>();

function objects(program: Program): readonly object[] {
  const namespace = namespaces[program];
  const metadata = { name: "web", namespace };
  const labels = { app: "web" };
  const template = {
    metadata: { labels },
    spec: {
      nodeSelector: { [KUBELETS_LABEL]: prefixes[program] },
      containers: [{ name: "web", image: "registry.example.com/web:1" }],
    },
  };
  const selector = { matchLabels: labels };
  return [
    { apiVersion: "apps/v1", kind: "Deployment", metadata, spec: { replicas: REPLICAS, selector, template } },
    { apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata, spec: { maxUnavailable: 1, selector } },
  ];
}

beforeAll(async () => {
  await Promise.all(
    PROGRAMS.map(async (program) => {
      const kubelets = await startKubelets(target, { prefix: prefixes[program], namespaces: [namespaces[program]] });
      clusters.set(program, kubelets);
      await kubelets.addNode("drained");
      await applyObjects(target, ...objects(program));
      await kubelets.untilPods("all run on one node", (pods) => pods.filter(isReady).length === REPLICAS);
      const budget = ["pdb", namespaces[program], "web"] as const;
      await eventually(
        async () => ((await getObject(target, ...budget))?.status?.["disruptionsAllowed"] === 1 ? true : undefined),
        "it is counted",
      );
    }),
  );
}, TIMEOUT_MS);
afterAll(async () => {
  await Promise.all([...clusters.values()].map(async (kubelets) => kubelets.stop()));
});

function place(program: Program) {
  return { namespace: namespaces[program], node: `${prefixes[program]}-drained`, nodeUid: "" };
}

async function drain(program: Program): Promise<void> {
  if (program === "kubectl") {
    const nodes = [place(program).node];
    const run = await runKubectlDrain(target, { nodes, combination: COMBINATION, dryRun: false, user: "controllers" });
    expect(run).toMatchObject({ exitCode: 0 });
    expect(run.stderr).toContain("will retry after 5s");
    return;
  }
  const client = await connectKubernetes({ path: target.kubeconfigPath, hostRoot: "/nonexistent" });
  try {
    const outcome = await runOurDrain(client, { place: place(program), combination: COMBINATION, dryRun: false });
    expect(outcome).toMatchObject({ ending: "drained", errors: [] });
    expect(outcome.retried.length).toBeGreaterThan(0);
    expect(outcome.endings).toHaveLength(REPLICAS);
  } finally {
    client.close();
  }
}

describe.each(PROGRAMS)("%s", (program) => {
  test(
    "moves all pods to the other node, and never more than one is missing",
    async () => {
      const kubelets = clusters.get(program)!;
      let fewestReady = REPLICAS;
      const watching = setInterval(() => {
        fewestReady = Math.min(fewestReady, kubelets.pods().filter(isReadyAndStays).length);
      }, 20);
      try {
        // Until there is another node, the first evicted pod is missing, and the budget holds the other two.
        const room = sleep(ROOM_AFTER_MS).then(async () => kubelets.addNode("other"));
        await Promise.all([drain(program), room]);
      } finally {
        clearInterval(watching);
      }
      expect(fewestReady).toBe(REPLICAS - 1);
      const isThere = (pod: Pod): boolean => pod.spec.nodeName === `${prefixes[program]}-other` && isReady(pod);
      await kubelets.untilPods("all run on the other node", (pods) => pods.filter(isThere).length === REPLICAS);
      expect(kubelets.pods()).toHaveLength(REPLICAS);
    },
    TIMEOUT_MS,
  );
});

/** A pod that is ending counts for no budget. */
function isReadyAndStays(pod: Pod): boolean {
  return isReady(pod) && pod.metadata.deletionTimestamp === undefined;
}
