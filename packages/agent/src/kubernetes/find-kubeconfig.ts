/** Finds how this machine reaches the API server of its cluster: what is named, or what the node has anyway. */
import { isAbsent } from "@rancheros/protocol/errors";
import { join, resolve } from "node:path";

import type { CredentialsOutside } from "./credentials.ts";
import { NodeApiError } from "./errors.ts";
import { parseKubeconfig, type Kubeconfig, type KubeconfigFile } from "./kubeconfig.ts";

/** Administrators', on servers. */
export const ADMIN_KUBECONFIGS = [
  "/etc/rancher/k3s/k3s.yaml",
  "/etc/rancher/rke2/rke2.yaml",
  "/etc/kubernetes/admin.conf",
] as const;

/** The kubelet's own, on every node. */
export const KUBELET_KUBECONFIGS = [
  "/var/lib/rancher/k3s/agent/kubelet.kubeconfig",
  "/var/lib/rancher/rke2/agent/kubelet.kubeconfig",
  "/etc/kubernetes/kubelet.conf",
  "/var/lib/kubelet/kubeconfig",
] as const;

/** Reads what was found. @throws NodeApiError KUBECONFIG_UNREADABLE, and as parseKubeconfig */
export type FoundKubeconfig = () => Kubeconfig;

export interface KubeconfigSearch {
  /** Named by the user: the only one that is taken. */
  readonly path?: string | undefined;
  /** KUBECONFIG: files, joined by colons. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Where the host's / is. */
  readonly hostRoot: string;
}

/**
 * The places in which there is a kubeconfig, best first: one where the user named it, otherwise the administrators' before
 * the kubelet's.
 * @throws NodeApiError KUBECONFIG_MISSING
 */
export async function findKubeconfigs(
  outside: Pick<CredentialsOutside, "readFile">,
  search: KubeconfigSearch,
): Promise<readonly FoundKubeconfig[]> {
  if (search.path !== undefined) {
    const file = await readIfThere(outside, resolve(search.path));
    if (file === undefined) throw missing(`there is no kubeconfig at ${search.path}`);
    return [parsed([file], "/")];
  }
  const listed = (search.environment?.["KUBECONFIG"] ?? "").split(":").filter((path) => path !== "");
  if (listed.length > 0) {
    const files = await readAll(
      outside,
      listed.map((path) => resolve(path)),
    );
    if (files.length === 0) throw missing(`there is no kubeconfig at ${listed.join(" or ")}, which KUBECONFIG names`);
    return [parsed(files.map(justRead), "/")];
  }
  const usual = [...ADMIN_KUBECONFIGS, ...KUBELET_KUBECONFIGS].map((path) => join(search.hostRoot, path));
  const files = await readAll(outside, usual);
  if (files.length === 0) throw missing("this machine has no kubeconfig of k3s, RKE2 or kubeadm");
  return files.map((file) => () => parseKubeconfig([justRead(file)], search.hostRoot));
}

/** @returns the kubelets' kubeconfigs of this machine; empty where there are none that can be read */
export async function findKubeletKubeconfigs(
  outside: Pick<CredentialsOutside, "readFile">,
  hostRoot: string,
): Promise<readonly FoundKubeconfig[]> {
  const files = await readAll(
    outside,
    KUBELET_KUBECONFIGS.map((path) => join(hostRoot, path)),
  );
  return files.map((file) => () => parseKubeconfig([justRead(file)], hostRoot));
}

/** A file that is there, or the reason why it cannot be read. */
type Found = KubeconfigFile | NodeApiError;

function justRead(found: Found): KubeconfigFile {
  if (found instanceof NodeApiError) throw found;
  return found;
}

function parsed(files: readonly Found[], hostRoot: string): FoundKubeconfig {
  return () => parseKubeconfig(files.map(justRead), hostRoot);
}

async function readAll(
  outside: Pick<CredentialsOutside, "readFile">,
  paths: readonly string[],
): Promise<readonly Found[]> {
  const files = await Promise.all(paths.map((path) => readIfThere(outside, path)));
  return files.filter((file) => file !== undefined);
}

async function readIfThere(outside: Pick<CredentialsOutside, "readFile">, path: string): Promise<Found | undefined> {
  try {
    return { path, text: await outside.readFile(path) };
  } catch (cause) {
    if (isAbsent(cause)) return undefined;
    return new NodeApiError("KUBECONFIG_UNREADABLE", `the kubeconfig ${path} cannot be read`, {
      cause,
      details: { path },
    });
  }
}

function missing(message: string): NodeApiError {
  return new NodeApiError("KUBECONFIG_MISSING", message);
}
