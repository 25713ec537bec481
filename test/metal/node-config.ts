/** The cloud-config that makes a machine a node of the test's cluster: the kubelet's identity, and where images come from. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { writeKubeletKubeconfig, type KubeletAuthority } from "../control-plane/kubelet-kubeconfig.ts";

/** By this name guests and the operator know the test's registry, whatever port it has. */
export const REGISTRY_NAME = "registry.test";

export interface NodeOptions {
  readonly authority: KubeletAuthority;
  /** Of API server and registry, as a guest reaches them. */
  readonly inGuest: (address: string) => string;
  readonly registryUrl: string;
  readonly node: string;
}

/** As `write_files` takes them. */
export interface NodeFile {
  readonly path: string;
  readonly permissions: string;
  readonly content: string;
}

/** For a machine that is no node, and takes images from the test's registry. @returns the value of `write_files` */
export function registryFiles({
  inGuest,
  registryUrl,
}: Pick<NodeOptions, "inGuest" | "registryUrl">): readonly NodeFile[] {
  const content = JSON.stringify({ mirrors: { [REGISTRY_NAME]: { endpoint: [inGuest(registryUrl)] } } });
  return [{ path: "/etc/rancher/k3s/registries.yaml", permissions: "0644", content }];
}

/** @returns the value of `write_files` */
export function nodeFiles({ authority, inGuest, registryUrl, node }: NodeOptions): readonly NodeFile[] {
  const registry = inGuest(registryUrl);
  const file = (at: string, permissions: string, content: string): NodeFile => ({ path: at, permissions, content });
  return [
    file("/etc/kubernetes/kubelet.conf", "0600", kubeconfigInGuest(authority, inGuest, node)),
    file("/etc/kubernetes/kubelet.env", "0644", `NODE_NAME=${node}\n`),
    file(
      `/etc/containerd/certs.d/${REGISTRY_NAME}/hosts.toml`,
      "0644",
      `server = "${registry}"\n\n[host."${registry}"]\n  capabilities = ["pull", "resolve"]\n`,
    ),
    ...registryFiles({ inGuest, registryUrl }),
  ];
}

/** The API server's certificate is for the address that it listens at. */
function kubeconfigInGuest(authority: KubeletAuthority, inGuest: NodeOptions["inGuest"], node: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), "kubeconfig-"));
  try {
    const at = path.join(folder, "kubelet.conf");
    writeKubeletKubeconfig(authority, node, at);
    const server = JSON.stringify(authority.serverUrl);
    const told = `"server": ${JSON.stringify(inGuest(authority.serverUrl))}, "tls-server-name": "127.0.0.1"`;
    return readFileSync(at, "utf8").replace(`"server": ${server}`, told);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
