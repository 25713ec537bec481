/** The part of the demo about upgrades: three nodes go from one release to the next, one of them breaks, and is mended. */
import { spawnSync } from "node:child_process";
import { existsSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ManagedOSImageStatus } from "@rancheros/protocol/resources";
import { OVERLAY_MAGIC } from "../test/containerd/index.ts";
import { kubectl, kubectlApply } from "../test/control-plane/kubectl.ts";
import { createNamespace } from "../test/control-plane/namespace.ts";
import { startKubelets } from "../test/kubelets/index.ts";
import { getObject, listInventories, makeRegistration } from "../test/operator/objects.ts";
import { imageReference, pushImage, type TestRegistry } from "../test/registry/index.ts";
import {
  applyWorkloads,
  buildVersion,
  createWholeMachine,
  releaseText,
  SITE_NAMESPACE,
  untilAllRun,
  type WholeMachine,
} from "../test/whole-machine/index.ts";
import type { DemoStage } from "./demo-attestation.ts";

export interface RolloutStage extends DemoStage {
  readonly registry: TestRegistry;
  readonly step: <Result>(title: string, work: () => Promise<Result>) => Promise<Result>;
  readonly show: (title: string, content: string) => void;
}

const IMAGE = "default-os-image";
const PREFIX = "node";
const SHOP = "shop";
const MACHINES = 3;
const DEADLINE_MS = 120_000;
const POLL_MS = 200;

/** @returns why no containers can be run here, in one sentence; undefined where they can */
export function whyNoContainers(): string | undefined {
  if (process.getuid?.() !== 0) return "containers need root: run the demo with sudo to see a rollout";
  // Mounts for the layers, and for each node a time namespace, in which it has an uptime of its own.
  if (spawnSync("unshare", ["--mount", "--time", "true"], { stdio: "ignore", timeout: 10_000 }).status !== 0) {
    return "containers need CAP_SYS_ADMIN, which is missing here: run the container with --privileged to see a rollout";
  }
  if (statfsSync(tmpdir()).type === OVERLAY_MAGIC) {
    return "containers need a folder for temporary files that is no overlay: give this container a volume at /tmp to see a rollout";
  }
  const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/sbin"];
  const missing = ["runc", "docker-registry"].filter(
    (name) => !folders.some((one) => existsSync(path.join(one, name))),
  );
  if (!existsSync("/bin/busybox")) missing.push("busybox");
  return missing.length === 0
    ? undefined
    : `${missing.join(" and ")} cannot be found: scripts/setup packages installs them`;
}

/** Shows a rollout of three nodes that halts at the second one, and goes on when that is mended. */
export async function showRollout(stage: RolloutStage): Promise<void> {
  const { step, registry } = stage;
  const machines = await step(
    `${MACHINES} nodes start: TPM, containerd, kubelet, ros-agent, and a shop that runs on them`,
    () => startNodes(stage),
  );
  await step("An OS image v2.0.0 is pushed, and the ManagedOSImage names it", async () => {
    await pushImage(registry, "os", "v2.0.0", buildVersion("v2.0.0"));
    await applyImage(stage);
  });
  await step("The first node is drained, restarts with v2.0.0, and takes pods again", () =>
    until(stage, ({ updated, updating }) => updated === 1 && updating === 1),
  );
  const broken = await breakNext(stage, machines);
  await showTable(stage);
  await step(`The disk of ${broken.node} breaks meanwhile: it falls back to v1.0.0, and the rollout halts`, () =>
    until(stage, ({ state }) => state === "Halted"),
  );
  await showTable(stage);
  await step(`${broken.node} gets a new disk, and is tried again with kubectl annotate`, async () => {
    broken.root.newSlotIsBroken = false;
    const name = await inventoryName(stage, broken);
    const retry = "rancheros.cattle.io/retry-upgrade=new-disk";
    await kubectl(stage.controlPlane, ["annotate", "machineinventory", name, `--namespace=${SITE_NAMESPACE}`, retry]);
    await until(stage, ({ updated }) => updated === 2);
  });
  await step("The last node follows", () => until(stage, ({ state }) => state === "Complete"));
  await showTable(stage);
}

async function startNodes(stage: RolloutStage): Promise<readonly WholeMachine[]> {
  const { controlPlane, folder, caFile, atTheEnd } = stage;
  await controlPlane.startControllerManager();
  for (const name of [SITE_NAMESPACE, SHOP]) await createNamespace(controlPlane, name);
  const kubelets = await startKubelets(controlPlane, { prefix: PREFIX, namespaces: [SHOP] });
  atTheEnd(() => kubelets.abandon());
  const { url } = await makeRegistration(controlPlane, SITE_NAMESPACE, "nodes", {
    machineName: "${System Information/Serial Number}-",
  });
  await applyWorkloads(controlPlane, SHOP, PREFIX);
  // All of them, also where one fails: what others start meanwhile has to be known when all is taken down.
  const started = await Promise.allSettled(
    Array.from({ length: MACHINES }, async (_, index) => {
      const machine = await createWholeMachine({
        folder: path.join(folder, `n${index + 1}`),
        name: String(index + 1),
        number: index + 1,
        authority: controlPlane,
        kubelets,
        authorityFolder: path.join(folder, "tpm-ca"),
        release: releaseText("v1.0.0"),
        caFile,
        url,
      });
      atTheEnd(() => machine.stop());
      await machine.register();
      machine.startAgent();
      return machine;
    }),
  );
  const machines = started.map((one) => {
    if (one.status === "rejected") throw one.reason;
    return one.value;
  });
  await untilAllRun(kubelets, MACHINES);
  return machines;
}

async function applyImage({ controlPlane, registry }: RolloutStage): Promise<void> {
  await kubectlApply(controlPlane, {
    apiVersion: "rancheros.cattle.io/v1",
    kind: "ManagedOSImage",
    metadata: { name: IMAGE, namespace: SITE_NAMESPACE },
    spec: {
      osImage: imageReference(registry, "os", "v2.0.0"),
      concurrency: 1,
      drain: { ignoreDaemonSets: true, deleteLocalData: true },
    },
  });
}

/** The node that has got the slot now. */
async function breakNext(stage: RolloutStage, machines: readonly WholeMachine[]): Promise<WholeMachine> {
  const { slots } = await status(stage);
  for (const machine of machines) {
    if (slots?.[0]?.machine !== (await inventoryName(stage, machine))) continue;
    machine.root.newSlotIsBroken = true;
    return machine;
  }
  throw new Error("no node holds the slot");
}

async function inventoryName({ controlPlane }: RolloutStage, { number }: WholeMachine): Promise<string> {
  const found = (await listInventories(controlPlane, SITE_NAMESPACE)).find(({ metadata }) =>
    metadata.name.startsWith(`s${number}-`),
  );
  return found?.metadata.name ?? "";
}

async function status({ controlPlane }: RolloutStage): Promise<ManagedOSImageStatus> {
  return (await getObject(controlPlane, "managedosimage", SITE_NAMESPACE, IMAGE))?.status ?? {};
}

async function until(stage: RolloutStage, look: (status: ManagedOSImageStatus) => boolean): Promise<void> {
  const deadlineMs = performance.now() + DEADLINE_MS;
  for (;;) {
    const found = await status(stage);
    if (look(found)) return;
    if (performance.now() > deadlineMs) throw new Error(`the rollout stands still: ${describe(found)}`);
    await sleep(POLL_MS);
  }
}

function describe({ state, message, failures = [] }: ManagedOSImageStatus): string {
  const failed = failures.map((one) => `${one.machine}: ${one.message} (${one.reason})`);
  return [`${state}: ${message}`, ...failed].join("\n");
}

async function showTable(stage: RolloutStage): Promise<void> {
  const { controlPlane, show } = stage;
  const command = ["get", "managedosimages,machineinventories", "-n", SITE_NAMESPACE];
  const { message } = await status(stage);
  const table = await kubectl(controlPlane, command);
  show(`$ kubectl ${command.join(" ")}`, message === undefined ? table : `${table}\nmessage: ${message}`);
}
