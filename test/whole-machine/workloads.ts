/** What runs on the nodes while they are upgraded: what may be evicted, what a budget guards, and what stays. */
import { isReady, KUBELETS_LABEL, type Kubelets, type Pod } from "../kubelets/index.ts";
import { applyObjects } from "../control-plane/apply-objects.ts";
import { type KubectlTarget } from "../control-plane/kubectl.ts";

export const WEB_REPLICAS = 4;
/** So many are Ready at any time, whatever is drained. */
export const WEB_MIN_AVAILABLE = 3;

/** A Deployment under a budget, another one with data in emptyDir, a DaemonSet. */
export async function applyWorkloads(target: KubectlTarget, namespace: string, prefix: string): Promise<void> {
  const workload = (kind: string, app: string, spec: object, pod: object = {}): object => ({
    apiVersion: "apps/v1",
    kind,
    metadata: { name: app, namespace },
    spec: {
      selector: { matchLabels: { app } },
      template: {
        metadata: { labels: { app } },
        spec: {
          nodeSelector: { [KUBELETS_LABEL]: prefix },
          terminationGracePeriodSeconds: 10,
          containers: [{ name: "app", image: "registry.example.com/app:1" }],
          ...pod,
        },
      },
      ...spec,
    },
  });
  await applyObjects(
    target,
    workload("Deployment", "web", { replicas: WEB_REPLICAS }),
    workload("Deployment", "cache", { replicas: 2 }, { volumes: [{ name: "data", emptyDir: {} }] }),
    workload("DaemonSet", "node-exporter", {}),
    {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: "web", namespace },
      spec: { minAvailable: WEB_MIN_AVAILABLE, selector: { matchLabels: { app: "web" } } },
    },
  );
}

export function podsOf(kubelets: Kubelets, app: string): readonly Pod[] {
  return kubelets.pods().filter(({ metadata }) => metadata.labels?.["app"] === app);
}

/** @param nodes  how many there are */
export async function untilAllRun(kubelets: Kubelets, nodes: number): Promise<void> {
  await kubelets.untilPods(
    "all workloads run",
    () =>
      podsOf(kubelets, "web").filter(isReady).length === WEB_REPLICAS &&
      podsOf(kubelets, "cache").filter(isReady).length === 2 &&
      podsOf(kubelets, "node-exporter").filter(isReady).length === nodes,
    60_000,
  );
}
