/** What a parity test stands on: a control plane with an audit log and a disruption controller, kubelets, both drains. */
import { connectKubernetes, type KubernetesClient } from "@rancheros/agent/kubernetes";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { ApiClient } from "../control-plane/api-client.ts";
import { startControlPlane, type ControlPlane } from "../control-plane/control-plane.ts";
import { startKubelets, type Kubelets } from "../kubelets/index.ts";
import { auditRemovals } from "./audit-log.ts";

export interface ParityGround {
  readonly controlPlane: ControlPlane;
  readonly client: ApiClient;
  readonly kubelets: Kubelets;
  /** Our drain's. */
  readonly agent: KubernetesClient;
  readonly auditLog: string;
  readonly stop: () => Promise<void>;
  /** For who ends at once: its processes end with this one, and its files are removed here. */
  readonly discard: () => void;
}

/** Only budgets are counted: who owns a pod that is gone makes no other, so that both drains meet the same world. */
export async function prepareParityGround(binariesFolder: string): Promise<ParityGround> {
  // A name that scripts/clean-killed-runs knows.
  const folder = mkdtempSync(path.join(tmpdir(), "rancheros-test-"));
  const { flags, logFile } = auditRemovals(folder);
  const controlPlane = await startControlPlane({ folder, binariesFolder, apiServerFlags: flags });
  try {
    await controlPlane.startControllerManager(["disruption-controller"]);
    const client = new ApiClient(controlPlane, controlPlane);
    const kubelets = await startKubelets(controlPlane, { prefix: "parity", heartbeatMs: Infinity });
    const agent = await connectKubernetes({ path: controlPlane.kubeconfigPath, hostRoot: "/nonexistent" });
    const discard = (): void => rmSync(folder, { recursive: true, force: true });
    const stop = async (): Promise<void> => {
      agent.close();
      await kubelets.abandon();
      await client.close();
      await controlPlane.stop();
      discard();
    };
    return { controlPlane, client, kubelets, agent, auditLog: logFile, stop, discard };
  } catch (error) {
    await controlPlane.stop();
    throw error;
  }
}

/** A few at one time: more of them only wait for each other. */
export async function inTurns<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(atOnce, items.length) }, async () => {
      while (next < items.length) {
        const index = next;
        next += 1;
        results[index] = await work(items[index]!, index);
      }
    }),
  );
  return results;
}

/** PARITY_SEED gives the same populations again. */
export function paritySeed(): number {
  const seed = Number(process.env["PARITY_SEED"] ?? Date.now() % 2 ** 31);
  console.log(`populations with seed ${seed}: PARITY_SEED=${seed} gives the same ones`);
  return seed;
}
