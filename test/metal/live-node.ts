/**
 * A virtual machine as a node of a cluster without an installation: the example OS runs live, from the network, and what
 * the test's cluster wants of a node is written into it.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { issueClientCertificate } from "../control-plane/client-authority.ts";
import { writeKubeconfig } from "../control-plane/credentials.ts";
import type { KubeletAuthority } from "../control-plane/kubelet-kubeconfig.ts";
import { serveFiles } from "./file-server.ts";
import { Machine } from "./machine.ts";
import { nodeFiles, type NodeFile } from "./node-config.ts";

/** This host's loopback, as QEMU's user network shows it to a guest, and the guest in that network. */
export const HOST_IN_GUEST = "10.0.2.2";
export const GUEST_ADDRESS = "10.0.2.15";
export const KUBELET_PORT = 10_250;
/** As in test/metal/node/etc/cni. */
const POD_NETWORK = "10.85.0.0/16";
const KERNEL_ARGUMENTS = "console=ttyS0 quiet mitigations=off no_timer_check";
/** What this node has no use for costs a machine without KVM half a minute: keys for SSH, an agent, a console to log in at. */
const NOT_STARTED = [
  "ssh.service",
  "ssh.socket",
  "serial-getty@ttyS0.service",
  "systemd-timesyncd.service",
  ...["config", "install", "join", "register", "runcmd", "boot-check"].map((unit) => `ros-agent-${unit}.service`),
  "ros-agent.service",
];
const BOOT_MS = 15 * 60_000;
const COMMAND_MS = 5 * 60_000;

export interface LiveNodeOptions {
  /** Short, as sockets lie in it. */
  readonly folder: string;
  readonly node: string;
  /** As scripts/build-media makes them. */
  readonly mediaFolder: string;
  readonly cluster: KubeletAuthority;
  /** With kube-proxy. */
  readonly binariesFolder: string;
  readonly registryUrl: string;
  /** Ports of the machine, by the port of this host's loopback that leads to each. */
  readonly forwards: ReadonlyMap<number, number>;
}

function inGuest(address: string): string {
  return address.replace("127.0.0.1", HOST_IN_GUEST);
}

/** Resolves when kubelet and kube-proxy have been started. */
export async function startLiveNode(options: LiveNodeOptions): Promise<Machine> {
  const { folder, node, mediaFolder, binariesFolder, forwards } = options;
  const machine = new Machine({
    folder,
    forwards,
    // The live system lies in memory.
    memoryMegabytes: 4096,
    system: {
      manufacturer: "Example, Inc.",
      product: "Node",
      serial: node,
      uuid: "4c4c4544-0058-1039-8039-b7c04f513139",
    },
  });
  const files = await serveFiles((url) => ({
    "boot.ipxe": { text: bootScript(inGuest(url)) },
    kernel: { file: path.join(mediaFolder, "kernel") },
    initrd: { file: path.join(mediaFolder, "initrd") },
    "root.squashfs": { file: path.join(mediaFolder, "squashfs") },
    "kube-proxy": { file: path.join(binariesFolder, "kube-proxy") },
  }));
  try {
    await machine.powerOn({ bootFile: `${inGuest(files.url)}/boot.ipxe` });
    await machine.waitForBoot(1, BOOT_MS);
    // Overlays cannot lie on the live system's own.
    await machine.must(
      `set -e
      systemctl stop containerd
      mkfs.ext4 -q -F /dev/vda && mkdir /mnt/state && mount /dev/vda /mnt/state
      for name in containerd kubelet; do
        mkdir -p /mnt/state/$name /var/lib/$name && mount --bind /mnt/state/$name /var/lib/$name
      done`,
      COMMAND_MS,
    );
    for (const file of filesOf(options)) await writeInto(machine, file);
    await machine.must(
      `set -e
      wget -q -O /usr/local/bin/kube-proxy ${inGuest(files.url)}/kube-proxy && chmod 0755 /usr/local/bin/kube-proxy
      systemctl daemon-reload && systemctl start containerd kubelet kube-proxy`,
      COMMAND_MS,
    );
    return machine;
  } catch (error) {
    await machine.stop();
    throw error;
  } finally {
    await files.stop();
  }
}

/** Source: iPXE's kernel and initrd; Debian live-boot(7) boot=live, fetch= */
function bootScript(base: string): string {
  const masks = NOT_STARTED.map((unit) => `systemd.mask=${unit}`).join(" ");
  const args = `initrd=initrd boot=live fetch=${base}/root.squashfs ip=dhcp panic=10 ${KERNEL_ARGUMENTS} ${masks}`;
  return `#!ipxe\nkernel ${base}/kernel ${args}\ninitrd --name initrd ${base}/initrd\nboot\n`;
}

function filesOf({ folder, node, cluster, registryUrl }: LiveNodeOptions): readonly NodeFile[] {
  const given = nodeFiles({ authority: cluster, inGuest, registryUrl, node });
  const proxyConfig = path.join(folder, "kube-proxy.conf");
  const identity = { user: "system:kube-proxy", groups: ["system:node-proxier"] };
  const certificate = issueClientCertificate(cluster.clientAuthority, identity);
  writeKubeconfig(proxyConfig, inGuest(cluster.serverUrl), cluster.caPem, { name: identity.user, certificate });
  const registry = inGuest(registryUrl);
  const file = (at: string, permissions: string, content: string): NodeFile => ({ path: at, permissions, content });
  return [
    ...given,
    file("/etc/kubernetes/clients.crt", "0644", readFileSync(cluster.clientAuthority.certificateFile, "utf8")),
    file("/etc/kubernetes/kubelet.yaml", "0644", JSON.stringify(KUBELET_SETTINGS)),
    file("/etc/kubernetes/kube-proxy.conf", "0600", readFileSync(proxyConfig, "utf8")),
    file("/etc/systemd/system/kube-proxy.service", "0644", proxyUnit(node)),
    // What images are called as the chart has it, they are had from the test's registry.
    file(
      "/etc/containerd/certs.d/docker.io/hosts.toml",
      "0644",
      `server = "${registry}"\n\n[host."${registry}"]\n  capabilities = ["pull", "resolve"]\n`,
    ),
  ];
}

/** As kubeadm has it, where the API server asks for logs. */
const KUBELET_SETTINGS = {
  apiVersion: "kubelet.config.k8s.io/v1beta1",
  kind: "KubeletConfiguration",
  containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock",
  cgroupDriver: "systemd",
  failSwapOn: false,
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: true },
    x509: { clientCAFile: "/etc/kubernetes/clients.crt" },
  },
  authorization: { mode: "Webhook" },
  readOnlyPort: 0,
  // No DNS in this cluster: what the operator asks for has an address.
  clusterDNS: ["10.0.0.10"],
  clusterDomain: "cluster.local",
  resolvConf: "/run/systemd/resolve/resolv.conf",
  imageGCHighThresholdPercent: 100,
} as const;

function proxyUnit(node: string): string {
  const flags = [
    "--kubeconfig=/etc/kubernetes/kube-proxy.conf",
    `--hostname-override=${node}`,
    "--proxy-mode=iptables",
    `--cluster-cidr=${POD_NETWORK}`,
    "--conntrack-max-per-core=0",
  ];
  return `[Service]\nExecStart=/usr/local/bin/kube-proxy ${flags.join(" ")}\nRestart=always\nRestartSec=2\n`;
}

async function writeInto(machine: Machine, { path: at, permissions, content }: NodeFile): Promise<void> {
  const encoded = Buffer.from(content).toString("base64");
  const folder = path.dirname(at);
  await machine.must(
    `set -e; mkdir -p ${folder}; umask 077; echo ${encoded} | base64 --decode >${at}; chmod ${permissions} ${at}`,
  );
}
