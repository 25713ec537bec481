/** The kubeconfig that a node's kubelet has: what the agent uses where there is no admin kubeconfig. */
import { issueClientCertificate, type ClientAuthority } from "./client-authority.ts";
import { writeKubeconfig } from "./credentials.ts";

/** The part of a control plane that signs for kubelets: a ControlPlane, or what `inject("controlPlane")` gives. */
export interface KubeletAuthority {
  readonly serverUrl: string;
  readonly caPem: string;
  readonly clientAuthority: ClientAuthority;
}

export interface KubeletKubeconfigOptions {
  /** The certificate was good until yesterday. */
  readonly expired?: boolean;
}

/**
 * Writes a kubeconfig, mode 0600, of user system:node:NODE in group system:nodes: the Node authorizer and
 * NodeRestriction let it do what a kubelet may, for that node alone.
 */
export function writeKubeletKubeconfig(
  target: KubeletAuthority,
  node: string,
  file: string,
  options: KubeletKubeconfigOptions = {},
): void {
  const user = `system:node:${node}`;
  const expired = options.expired === true;
  const certificate = issueClientCertificate(target.clientAuthority, { user, groups: ["system:nodes"], expired });
  writeKubeconfig(file, target.serverUrl, target.caPem, { name: user, certificate });
}
