/** A cluster whose pods really run: control plane and scheduler on this host, a kubelet and a kube-proxy in a virtual machine. */
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { findControlPlaneBinaries } from "../control-plane/binaries.ts";
import { issueClientCertificate, writeClientAuthority } from "../control-plane/client-authority.ts";
import { startControlPlane, type ControlPlane } from "../control-plane/control-plane.ts";
import { CONTROLLERS, NODE_CONTROLLERS } from "../control-plane/controller-manager.ts";
import { findFreePort } from "../control-plane/free-port.ts";
import { TetheredProcess } from "../control-plane/tethered-process.ts";
import { buildImage, busyboxLayer, pushImage, startRegistry, type TestRegistry } from "../registry/index.ts";
import { buildKubeletRoad } from "./kubelet-road.ts";
import { GUEST_ADDRESS, HOST_IN_GUEST, KUBELET_PORT, startLiveNode } from "./live-node.ts";
import type { Machine } from "./machine.ts";
import { nodeField, patiently, READY } from "./rollout.ts";
import { runScript, SystemImages } from "./system-images.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BINARIES = ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "kube-scheduler", "kube-proxy"];
const NODE = "cloud1";
const NODE_READY_MS = 10 * 60_000;
const GRACE_MS = 5_000;

export interface PodCluster {
  readonly controlPlane: ControlPlane;
  readonly registry: TestRegistry;
  readonly machine: Machine;
  /** Leads to the port of this number of each node, from this host's loopback. */
  readonly hostPortOf: (nodePort: number) => number;
  stop(): Promise<void>;
}

/**
 * @param folder     short, as sockets lie in it; removing it afterwards is the caller's
 * @param nodePorts  ports of the node that are reached from this host
 * @throws after having taken down what was started
 */
export async function startPodCluster(folder: string, nodePorts: readonly number[]): Promise<PodCluster> {
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    const troubles: unknown[] = [];
    for (const one of undo.splice(0).toReversed()) await one().catch((error: unknown) => troubles.push(error));
    if (troubles.length > 0) throw new AggregateError(troubles, troubles.map(String).join("\n"));
  };
  try {
    return await build(folder, nodePorts, undo, stop);
  } catch (error) {
    await stop().catch(() => undefined);
    throw error;
  }
}

async function build(
  folder: string,
  nodePorts: readonly number[],
  undo: (() => Promise<unknown>)[],
  stop: () => Promise<void>,
): Promise<PodCluster> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const mediaFolder = path.join(folder, "media");
  const [binariesFolder] = await Promise.all([
    findControlPlaneBinaries(BINARIES),
    new SystemImages(path.join(folder, "systems"))
      .build({ version: "v1" })
      .then((image) => runScript("build-media", [image, mediaFolder])),
  ]);
  const ports = new Map<number, number>();
  for (const guest of [KUBELET_PORT, ...nodePorts]) ports.set(guest, await findFreePort());
  const hostPortOf = (guest: number): number => {
    const port = ports.get(guest);
    if (port === undefined) throw new Error(`nothing leads to port ${guest} of the node`);
    return port;
  };

  const road = await buildKubeletRoad(
    folder,
    new Map([[`${GUEST_ADDRESS}:${KUBELET_PORT}`, hostPortOf(KUBELET_PORT)]]),
  );
  undo.push(() => road.stop());
  const controlPlane = await startPodControlPlane(path.join(folder, "cp"), binariesFolder, road.configPath);
  undo.push(() => controlPlane.stop());
  const scheduler = new TetheredProcess({
    name: "kube-scheduler",
    executable: path.join(binariesFolder, "kube-scheduler"),
    folder,
    args: [`--kubeconfig=${controlPlane.kubeconfigPath}`, "--leader-elect=false", "--secure-port=0"],
  });
  undo.push(async () => {
    if (!scheduler.running) throw new Error(`kube-scheduler ${scheduler.ending}:\n${scheduler.lastLines()}`);
    await scheduler.stop(GRACE_MS);
  });
  const registry = await startRegistry({ folder: path.join(folder, "registry") });
  undo.push(() => registry.stop());
  await pushImage(registry, "pause", "1", pauseImage());
  const machine = await startLiveNode({
    folder: path.join(folder, "vm"),
    node: NODE,
    mediaFolder,
    cluster: controlPlane,
    binariesFolder,
    registryUrl: registry.url,
    forwards: new Map([...ports].map(([guest, host]) => [host, guest])),
  });
  undo.push(() => machine.stop());
  await patiently(async () => (await nodeField(controlPlane, NODE, READY)) === "True", "the node", NODE_READY_MS).catch(
    async (cause: unknown) => {
      const said = await machine.run("journalctl --no-pager --lines=60 --unit=kubelet --unit=containerd");
      throw new Error(`the node does not become Ready:\n${said.output}`, { cause });
    },
  );
  return { controlPlane, registry, machine, hostPortOf, stop };
}

/** With what a pod finds in every cluster: its ServiceAccount's token, the CA, the API server behind a Service. */
async function startPodControlPlane(folder: string, binariesFolder: string, egress: string): Promise<ControlPlane> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const authority = writeClientAuthority(folder);
  const identity = { user: "kube-apiserver", groups: ["system:masters"] };
  const { certificatePem, keyPem } = issueClientCertificate(authority, identity);
  const [certificate, key] = [path.join(folder, "kubelets.crt"), path.join(folder, "kubelets.key")];
  writeFileSync(certificate, certificatePem, { mode: 0o600 });
  writeFileSync(key, keyPem, { mode: 0o600 });
  const controlPlane = await startControlPlane({
    folder,
    binariesFolder,
    admitsServiceAccounts: true,
    apiServerFlags: [
      // So that the Service "kubernetes" leads there, and that its certificate is good for it.
      `--advertise-address=${HOST_IN_GUEST}`,
      "--endpoint-reconciler-type=lease",
      `--egress-selector-config-file=${egress}`,
      // Nobody here knows nodes by their names.
      "--kubelet-preferred-address-types=InternalIP",
      `--kubelet-client-certificate=${certificate}`,
      `--kubelet-client-key=${key}`,
    ],
  });
  try {
    const ca = path.join(folder, "ca.crt");
    writeFileSync(ca, controlPlane.caPem);
    await controlPlane.startControllerManager([...CONTROLLERS, ...NODE_CONTROLLERS], [`--root-ca-file=${ca}`]);
    return controlPlane;
  } catch (error) {
    await controlPlane.stop();
    throw error;
  }
}

/** Holds a pod's network. */
function pauseImage() {
  const wait = "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done";
  return buildImage({
    layers: [busyboxLayer()],
    config: { Env: ["PATH=/bin"], Entrypoint: ["/bin/busybox", "sh", "-c", wait] },
  });
}

/** Makes the operator's image as it is shipped, where its sources have changed since. @returns an OCI archive */
export async function buildOperatorImage(): Promise<string> {
  await runScript("build-operator-image", []);
  return path.join(ROOT, "dist/rancheros-operator-image.tar");
}

/** Puts the image where the cluster's nodes look for docker.io, by the name that the chart has for it. */
export async function pushOperatorImage(registry: TestRegistry, archive: string): Promise<void> {
  const { version } = JSON.parse(readFileSync(path.join(ROOT, "packages/operator/package.json"), "utf8")) as {
    readonly version: string;
  };
  const target = `docker://${registry.host}/rancher/rancheros-operator:v${version}`;
  const source = `oci-archive:${archive}`;
  await promisify(execFile)("skopeo", ["copy", "--quiet", "--dest-tls-verify=false", source, target]);
}
