/** What stands around bare machines: API server, operator, image registry, an operating system and boot media of it. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import { text } from "node:stream/consumers";
import { checkServerIdentity } from "node:tls";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { startControlPlane, type ControlPlane } from "../control-plane/control-plane.ts";
import { applyCrds } from "../control-plane/apply-crds.ts";
import { createNamespace } from "../control-plane/namespace.ts";
import { makeRegistration, type MadeRegistration } from "../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../operator/operator-process.ts";
import { startServiceProxy } from "../operator/service-proxy.ts";
import { buildImage, pushImage, startRegistry, type TestRegistry } from "../registry/index.ts";
import { sitePorts } from "./kept-steps.ts";
import { nodeFiles, registryFiles, REGISTRY_NAME } from "./node-config.ts";
import { runScript, SystemImages, type SystemVersion } from "./system-images.ts";

/** The host's loopback, as QEMU's user network shows it to a guest. */
const HOST_IN_GUEST = "10.0.2.2";
const OPERATOR_NAMESPACE = "cattle-rancheros-operator-system";
/** Each letter on a serial port costs time without KVM; a busy host makes the kernel's timer check fail, which ends in a panic. */
const KERNEL_ARGUMENTS = "console=ttyS0 quiet mitigations=off no_timer_check";
export const METAL_NAMESPACE = "fleet-local";

export interface MetalSite {
  readonly controlPlane: ControlPlane;
  readonly operator: OperatorProcess;
  readonly registry: TestRegistry;
  /** A registration with boot media, whose machine becomes the node of this name, or none with a system that is not ours. */
  makeDoor(node: string): Promise<MadeRegistration>;
  /** What the DHCP server tells machines that boot from the network. */
  bootFile(door: MadeRegistration): string;
  /** An ISO with the registration on it; with `asks` somebody at the console is asked. @returns its path */
  makeIso(door: MadeRegistration, options?: { readonly asks: boolean }): Promise<string>;
  /** Builds and pushes an operating system. @returns as people write it in osImage */
  pushSystem(version: SystemVersion): Promise<string>;
  /** Nothing is written to the cluster's data while the work is done. */
  still(work: () => void): void;
  stop(): Promise<void>;
}

/** An address of this host, as a guest reaches it. */
function inGuest(address: string): string {
  return address.replace("127.0.0.1", HOST_IN_GUEST);
}

/**
 * @param folder  short, as sockets lie in it; removing it afterwards is the caller's
 * @param base    an OCI layout of a system that is not ours, and that all are made of
 * @throws after having taken down what was started
 */
export async function startMetalSite(folder: string, base?: string): Promise<MetalSite> {
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const one of undo.splice(0).toReversed()) await one();
  };
  try {
    return await buildSite(folder, base, undo, stop);
  } catch (error) {
    await stop().catch(() => undefined);
    throw error;
  }
}

async function buildSite(
  folder: string,
  base: string | undefined,
  undo: (() => Promise<unknown>)[],
  stop: () => Promise<void>,
): Promise<MetalSite> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const systems = new SystemImages(path.join(folder, "systems"), base);
  const mediaFolder = path.join(folder, "media");
  await runScript("build-media", [await systems.build({ version: "v1" }), mediaFolder]);
  const ports = await sitePorts(folder);
  const controlPlane = await startControlPlane({ folder: path.join(folder, "cp"), port: ports.apiServer });
  undo.push(() => controlPlane.stop());
  const registry = await startRegistry({ folder: path.join(folder, "registry"), port: ports.registry });
  undo.push(() => registry.stop());
  await runScript("push-media", [mediaFolder, `${registry.host}/boot:v1`, "--dest-tls-verify=false"]);
  await pushImage(registry, "pause", "1", pauseImage());
  await Promise.all([applyCrds(controlPlane), controlPlane.startControllerManager()]);
  for (const name of [METAL_NAMESPACE, OPERATOR_NAMESPACE]) await createNamespace(controlPlane, name);
  const proxy = await startServiceProxy(ports.proxy);
  undo.push(() => proxy.stop());
  const operator = await startOperator({
    folder,
    kubeconfigPath: controlPlane.kubeconfigPath,
    namespace: OPERATOR_NAMESPACE,
    serverUrl: inGuest(proxy.url),
    flags: [`--registry-mirror=${REGISTRY_NAME}=http://${registry.host}`],
  });
  undo.push(() => operator.stop());
  proxy.setReplicas([operator.httpsUrl]);

  const caFile = async (): Promise<string> => {
    const ca = path.join(folder, "ca.pem");
    writeFileSync(ca, await (await fetch(`${operator.httpUrl}/v1-rancheros/cacerts`)).text());
    return ca;
  };

  return {
    controlPlane,
    operator,
    registry,
    makeDoor: async (node) =>
      makeRegistration(controlPlane, METAL_NAMESPACE, node, {
        machineName: "${System Information/Serial Number}-",
        boot: { media: `${REGISTRY_NAME}/boot:v1`, kernelArguments: KERNEL_ARGUMENTS },
        cloudConfig: {
          hostname: "${System Information/Product Name}-${System Information/Serial Number}",
          rancheros: { install: { kernelArguments: KERNEL_ARGUMENTS } },
          write_files:
            base === undefined
              ? nodeFiles({ authority: controlPlane, inGuest, registryUrl: registry.url, node })
              : registryFiles({ inGuest, registryUrl: registry.url }),
        },
      }),
    bootFile: ({ token }) => `${inGuest(operator.httpUrl)}/boot/${token}/ipxe`,
    async makeIso({ url }, { asks } = { asks: false }) {
      const ca = await caFile();
      const config = path.join(folder, "config.yaml");
      if (asks) writeFileSync(config, await download(url, readFileSync(ca, "utf8")));
      const registration = asks ? ["--config", config] : ["--registration-url", url, "--ca-cert", ca];
      const iso = path.join(folder, "rancheros.iso");
      const target = ["--media", mediaFolder, ...registration, "--kernel-arguments", KERNEL_ARGUMENTS];
      return runScript("build-iso", [...target, iso]);
    },
    async pushSystem(version) {
      const layout = await systems.build(version);
      const target = `docker://${registry.host}/os:${version.version}`;
      await promisify(execFile)("skopeo", ["copy", "--quiet", "--dest-tls-verify=false", `oci:${layout}`, target]);
      return `${REGISTRY_NAME}/os:${version.version}`;
    },
    still(work) {
      const { etcd = 0 } = controlPlane.pids();
      process.kill(etcd, "SIGSTOP");
      try {
        work();
      } finally {
        process.kill(etcd, "SIGCONT");
      }
    },
    stop,
  };
}

/** What curl prints on a machine that reaches what guests reach. */
async function download(url: string, ca: string): Promise<string> {
  const { port, pathname } = new URL(url);
  const request = get({
    host: "127.0.0.1",
    port,
    path: pathname,
    ca,
    checkServerIdentity: (_host, certificate) => checkServerIdentity(HOST_IN_GUEST, certificate),
  });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`${url}: status ${response.statusCode}`);
  return text(response);
}

/** A program that waits until it is told to end: for the containers that hold pods, and for pods. */
function pauseImage() {
  const wait = "trap 'exit 0' TERM INT; while :; do /bin/busybox sleep 3600 & wait $!; done";
  return buildImage({
    layers: [[{ path: "/bin/busybox", content: readFileSync("/bin/busybox"), mode: 0o755 }]],
    config: { Entrypoint: ["/bin/busybox", "sh", "-c", wait] },
  });
}
