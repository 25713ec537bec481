/** A cluster of its own for a file that installs the chart in it: controllers run, and what was there before is known. */
import { mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll } from "vitest";
import { startControlPlane, type ControlPlane } from "../control-plane/control-plane.ts";
import { kubectlJson } from "../control-plane/kubectl.ts";
import { createNamespace } from "../control-plane/namespace.ts";
import { eventually } from "../operator/objects.ts";
import { clusterContents } from "./cluster-contents.ts";
import { CHART, helm } from "./helm.ts";
import { writePreviousChart } from "./previous-chart.ts";

/** As the documents have it. */
export const NAMESPACE = "cattle-rancheros-operator-system";
export const RELEASE = "rancheros-operator";
export const CRD_NAMES = [
  "machineinventories",
  "machineregistrations",
  "managedosimages",
  "managedosversionchannels",
  "managedosversions",
].map((plural) => `${plural}.rancheros.cattle.io`);

export interface ReleaseCluster {
  readonly controlPlane: ControlPlane;
  /** For what the test keeps; short, as sockets may lie in it. Removed with the rest. */
  readonly folder: string;
  readonly previousChart: string;
  /** @returns what helm printed */
  run(...args: readonly string[]): Promise<string>;
  /** As the document installs it. */
  install(options: { readonly chart?: string; readonly values: readonly string[] }): Promise<string>;
  /** What is in the cluster that was not there before. */
  contents(): Promise<readonly string[]>;
  /** Waits until that is so, and not for ever. @returns what there is then */
  untilContents(isSo: (contents: readonly string[]) => boolean, deadlineMs?: number): Promise<readonly string[]>;
  /** @returns the spec of one of our CRDs as text */
  crdSpec(plural: string): Promise<string>;
  /** @returns a Secret of the release's namespace */
  secret(name: string): Promise<{ readonly metadata: { readonly labels?: object }; readonly data?: unknown }>;
}

/**
 * Gives the calling test file such a cluster, by hooks of that file. Its own: the CRDs of the shared one belong to nobody.
 * @param namespaces  made before the first look
 */
export function useReleaseCluster(binariesFolder: string, namespaces: readonly string[]): ReleaseCluster {
  const folder = mkdtempSync("/tmp/rl-");
  const previousChart = path.join(folder, "previous");
  let controlPlane: ControlPlane | undefined;
  let before: readonly string[] = [];

  beforeAll(async () => {
    const plane = path.join(folder, "plane");
    // As in people's clusters.
    const started = await startControlPlane({ folder: plane, binariesFolder, admitsServiceAccounts: true });
    controlPlane = started;
    await started.startControllerManager();
    for (const name of namespaces) await createNamespace(started, name);
    writePreviousChart(previousChart);
    await eventually(async () => {
      before = await clusterContents(started);
      return namespaces.every((name) => before.includes(`ServiceAccount ${name}/default`)) ? true : undefined;
    }, "what every namespace has");
  });
  afterAll(async () => {
    await controlPlane?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const cluster: ReleaseCluster = {
    folder,
    previousChart,
    get controlPlane() {
      if (controlPlane === undefined) throw new Error("the control plane has not been started yet");
      return controlPlane;
    },
    run: (...args) => helm(args, { kubeconfigPath: cluster.controlPlane.kubeconfigPath }),
    install: ({ chart = CHART, values }) =>
      cluster.run("-n", NAMESPACE, "install", "--create-namespace", RELEASE, chart, ...values),
    async contents() {
      const now = await clusterContents(cluster.controlPlane);
      return now.filter((one) => !before.includes(one));
    },
    async untilContents(isSo, deadlineMs) {
      let last: readonly string[] = [];
      return eventually(
        async () => {
          last = await cluster.contents();
          return isSo(last) ? last : undefined;
        },
        "what is left in the cluster",
        deadlineMs,
      ).catch(() => last);
    },
    async crdSpec(plural) {
      const crd = await kubectlJson(cluster.controlPlane, ["get", "crd", `${plural}.rancheros.cattle.io`]);
      return JSON.stringify((crd as { readonly spec: object }).spec);
    },
    async secret(name) {
      const found = await kubectlJson(cluster.controlPlane, ["get", "secret", name, `--namespace=${NAMESPACE}`]);
      return found as { readonly metadata: { readonly labels?: object }; readonly data?: unknown };
    },
  };
  return cluster;
}
