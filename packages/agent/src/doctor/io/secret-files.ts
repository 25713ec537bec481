/** The files of a machine in which secrets are: read to know what must not get into a support archive, and for nothing else. */
import { isAbsent } from "@rancheros/protocol/errors";
import { constants, open, readdir } from "node:fs/promises";
import { join } from "node:path";

import type { SecretFileKind } from "../archive/secret-values.ts";

export interface SecretFile {
  readonly path: string;
  readonly kind: SecretFileKind;
  readonly text: string;
}

export interface SecretFiles {
  readonly files: readonly SecretFile[];
  /** There, and not to be read: what is in them cannot be looked for. */
  readonly unread: readonly string[];
}

const TREES = [
  "/oem/userdata",
  "/oem/rancher/rancherd/config.yaml",
  "/usr/share/oem/rancher/rancherd/config.yaml",
  "/usr/share/rancher/rancherd/config.yaml",
  "/etc/rancher/rancherd/config.yaml",
  "/etc/rancher/k3s/config.yaml",
  "/etc/rancher/rke2/config.yaml",
  "/etc/rancher/k3s/registries.yaml",
  "/etc/rancher/rke2/registries.yaml",
  "/etc/rancher/k3s/k3s.yaml",
  "/etc/rancher/rke2/rke2.yaml",
  "/etc/kubernetes/admin.conf",
  "/etc/kubernetes/kubelet.conf",
  "/etc/kubernetes/bootstrap-kubelet.conf",
  "/var/lib/kubelet/kubeconfig",
  "/var/lib/rancher/k3s/agent/kubelet.kubeconfig",
  "/var/lib/rancher/rke2/agent/kubelet.kubeconfig",
  "/var/lib/rancheros-registration/cloud-config.yaml",
  "/var/lib/private/rancheros-registration/cloud-config.yaml",
  "/var/lib/cloud/instance/user-data.txt",
  "/var/lib/cloud/seed/nocloud/user-data",
  "/run/data/cloud-config",
  "/root/.docker/config.json",
  "/var/lib/kubelet/config.json",
] as const;

const SECRETS = ["k3s", "rke2"].flatMap((name) =>
  ["server/token", "server/node-token", "server/agent-token", "server/cred/passwd", "agent/node-password"].map(
    (path) => `/var/lib/rancher/${name}/${path}`,
  ),
);

/** What the services of k3s and RKE2 read, as their installers write it. */
const ENVIRONMENTS = ["k3s", "k3s-agent", "rke2-server", "rke2-agent"].flatMap((name) => [
  `/etc/systemd/system/${name}.service.env`,
  `/etc/default/${name}`,
  `/etc/sysconfig/${name}`,
]);

/** All files in them, by what their names end in. */
const FOLDERS: readonly (readonly [folder: string, ending: RegExp, kind: SecretFileKind])[] = [
  ["/oem", /\.ya?ml(\.before)?$/, "tree"],
  ["/etc/rancher/rancherd/config.yaml.d", /\.ya?ml$/, "tree"],
  ["/etc/rancher/k3s/config.yaml.d", /\.ya?ml$/, "tree"],
  ["/etc/rancher/rke2/config.yaml.d", /\.ya?ml$/, "tree"],
  ["/etc/ssh", /^ssh_host_.*_key$/, "key"],
  ["/var/lib/kubelet/pki", /\.(pem|key)$/, "key"],
  ["/var/lib/rancher/k3s/agent", /\.key$/, "key"],
  ["/var/lib/rancher/rke2/agent", /\.key$/, "key"],
  ["/var/lib/rancher/k3s/server/tls", /\.key$/, "key"],
  ["/var/lib/rancher/rke2/server/tls", /\.key$/, "key"],
  ["/etc/kubernetes/pki", /\.key$/, "key"],
];

const FILE_MAX_BYTES = 4 * 1024 * 1024;
const FOLDER_MAX_FILES = 200;

/** @param more  others that the command line or the environment name, as they are */
export async function readSecretFiles(
  hostRoot: string,
  stateFolder: string,
  more: readonly string[],
): Promise<SecretFiles> {
  const unread: string[] = [];
  const wanted: (readonly [path: string, kind: SecretFileKind])[] = [
    ...TREES.map((path) => [join(hostRoot, path), "tree"] as const),
    ...SECRETS.map((path) => [join(hostRoot, path), "secret"] as const),
    ...ENVIRONMENTS.map((path) => [join(hostRoot, path), "environment"] as const),
    [join(hostRoot, "/etc/rancher/node/password"), "secret"],
    [join(hostRoot, "/etc/shadow"), "accounts"],
    [join(hostRoot, "/etc/default/ros-agent"), "environment"],
    [join(hostRoot, "/etc/environment"), "environment"],
    [join(hostRoot, "/proc/cmdline"), "kernel"],
    [join(hostRoot, "/oem/grub/grubenv"), "kernel"],
    [join(stateFolder, "upgrade.json"), "tree"],
    [join(stateFolder, "upgrade.json.broken"), "tree"],
    ...more.map((path) => [path, "tree"] as const),
  ];
  for (const [folder, ending, kind] of FOLDERS) {
    const found = await namesIn(join(hostRoot, folder), unread);
    wanted.push(
      ...found.filter((name) => ending.test(name)).map((name) => [join(hostRoot, folder, name), kind] as const),
    );
  }
  const files: SecretFile[] = [];
  for (const [path, kind] of new Map(wanted)) {
    const text = await readWhole(path, unread);
    if (text !== undefined) files.push({ path, kind, text });
  }
  return { files, unread };
}

async function namesIn(folder: string, unread: string[]): Promise<readonly string[]> {
  try {
    const names = await readdir(folder);
    if (names.length > FOLDER_MAX_FILES) unread.push(folder);
    return names.slice(0, FOLDER_MAX_FILES);
  } catch (error) {
    if (!isAbsent(error)) unread.push(folder);
    return [];
  }
}

async function readWhole(path: string, unread: string[]): Promise<string | undefined> {
  try {
    // A pipe that nobody writes to would hold us for ever.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const found = await file.stat();
      if (found.isDirectory()) return undefined;
      if (!found.isFile() || found.size > FILE_MAX_BYTES) throw new Error("no small file");
      return await file.readFile("utf8");
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!isAbsent(error)) unread.push(path);
    return undefined;
  }
}
