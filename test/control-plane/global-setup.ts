/** One control plane for all integration tests, with this project's CRDs in it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { bundleAgent } from "../machine/agent-program.ts";
import { bundleOperator } from "../operator/operator-program.ts";
import { shareAuthority } from "../swtpm/index.ts";
import { applyCrds, shareCrds } from "./apply-crds.ts";
import { startControlPlane, type ControlPlane } from "./control-plane.ts";
import { offerControlledCluster, type ControlledCluster, type ControlledClusterOffer } from "./controlled-cluster.ts";

/** What `inject("controlPlane")` gives to a test. Not to be stopped or paused: all test files share it. */
export interface SharedControlPlane extends ControlledCluster, ControlledClusterOffer {}

declare module "vitest" {
  interface ProvidedContext {
    controlPlane: SharedControlPlane;
  }
}

/** Called by vitest before the first integration test; what it returns, after the last one. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(path.join(tmpdir(), "rancheros-test-"));
  shareAuthority(path.join(folder, "tpm-authority"));
  await Promise.all([bundleOperator(folder), bundleAgent(path.join(folder, "ros-agent"))]);
  await shareCrds(folder);
  const controlPlane = await startControlPlane({ folder });
  const { kubeconfigPath, binariesFolder, serverUrl, caPem, adminToken, clientAuthority } = controlPlane;
  const controlled = await offerControlledCluster(folder, (own) => startControlledCluster(own, binariesFolder));
  try {
    await applyCrds(controlPlane);
  } catch (error) {
    await controlled.stop();
    await controlPlane.stop();
    throw error;
  }
  project.provide("controlPlane", {
    kubeconfigPath,
    binariesFolder,
    serverUrl,
    caPem,
    adminToken,
    clientAuthority,
    controlledClusterSocket: controlled.socketPath,
  });
  return async () => {
    // Where a part died by itself, stop throws and the folder with the logs stays.
    try {
      await controlled.stop();
    } finally {
      await controlPlane.stop();
    }
    rmSync(folder, { recursive: true, force: true });
  };
}

async function startControlledCluster(folder: string, binariesFolder: string): Promise<ControlPlane> {
  const controlPlane = await startControlPlane({ folder, binariesFolder });
  try {
    await Promise.all([applyCrds(controlPlane), controlPlane.startControllerManager()]);
  } catch (error) {
    await controlPlane.stop();
    throw error;
  }
  return controlPlane;
}
