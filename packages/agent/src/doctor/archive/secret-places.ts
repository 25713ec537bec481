/** Where on a machine secrets are. */
import { CONFIG_PLACE, IMPLICIT_PLACES, MANIFEST_FOLDERS } from "../../rancherd/index.ts";
import { NODE_UNITS, OWN_UNITS } from "../judge-services.ts";
import type { SecretFileKind } from "./secret-values.ts";

export interface SecretPlace {
  /** Below the machine's /. */
  readonly path: string;
  readonly kind: SecretFileKind;
  /** Which files of it, by their names, where it is a folder; undefined where it is none. */
  readonly inside?: RegExp | undefined;
  /** The folders in that folder count as well. */
  readonly isDeep?: boolean;
}

const YAML = /\.ya?ml$/i;
const KEY = /\.key$/;

/** Of rancherd, k3s and RKE2: a file or a folder, and drop-ins, which may have drop-ins of their own. */
const CONFIGS = [...IMPLICIT_PLACES, CONFIG_PLACE, "/etc/rancher/k3s/config.yaml", "/etc/rancher/rke2/config.yaml"];

const TREES = [
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
  "/var/lib/cloud/seed/nocloud/user-data",
  "/run/data/cloud-config",
  "/root/.docker/config.json",
  "/var/lib/kubelet/config.json",
];

const SECRETS = ["k3s", "rke2"].flatMap((name) =>
  ["server/token", "server/node-token", "server/agent-token", "server/cred/passwd", "agent/node-password"].map(
    (path) => `/var/lib/rancher/${name}/${path}`,
  ),
);

const UNITS = [...OWN_UNITS, ...NODE_UNITS];
/** Source: systemd.unit(5), "System Unit Search Path" */
const UNIT_FOLDERS = [
  "/etc/systemd/system",
  "/run/systemd/system",
  "/usr/local/lib/systemd/system",
  "/usr/lib/systemd/system",
];

/** As the installers of k3s and RKE2 write them. */
function environmentFiles(unit: string): readonly string[] {
  const name = unit.replace(/\.service$/, "");
  const besideUnit = UNIT_FOLDERS.flatMap((folder) => [`${folder}/${unit}.env`, `${folder}/${name}.env`]);
  return [`/etc/default/${name}`, `/etc/sysconfig/${name}`, ...besideUnit];
}

function all(kind: SecretFileKind, paths: readonly string[]): readonly SecretPlace[] {
  return paths.map((path) => ({ path, kind }));
}

export const SECRET_PLACES: readonly SecretPlace[] = [
  ...[...CONFIGS.flatMap((path) => [path, `${path}.d`]), ...MANIFEST_FOLDERS].map(
    (path) => ({ path, kind: "tree", inside: YAML, isDeep: true }) as const,
  ),
  { path: "/oem", kind: "tree", inside: /\.ya?ml(\.before)?$/ },
  ...all("tree", TREES),
  ...all("secret", [...SECRETS, "/etc/rancher/node/password"]),
  ...all("accounts", ["/etc/shadow"]),
  ...all("environment", ["/etc/environment", ...UNITS.flatMap(environmentFiles)]),
  ...all("kernel", ["/proc/cmdline", "/oem/grub/grubenv"]),
  ...UNIT_FOLDERS.flatMap((folder) =>
    [...UNITS, "service"].flatMap((unit): readonly SecretPlace[] => [
      { path: `${folder}/${unit}`, kind: "unit" },
      { path: `${folder}/${unit}.d`, kind: "unit", inside: /\.conf$/ },
    ]),
  ),
  { path: "/etc/systemd/system.conf", kind: "unit" },
  { path: "/etc/systemd/system.conf.d", kind: "unit", inside: /\.conf$/ },
  { path: "/etc/ssh", kind: "key", inside: /^ssh_host_.*_key$/ },
  { path: "/var/lib/kubelet/pki", kind: "key", inside: /\.(pem|key)$/ },
  { path: "/var/lib/rancher/k3s/agent", kind: "key", inside: KEY },
  { path: "/var/lib/rancher/rke2/agent", kind: "key", inside: KEY },
  { path: "/var/lib/rancher/k3s/server/tls", kind: "key", inside: KEY },
  { path: "/var/lib/rancher/rke2/server/tls", kind: "key", inside: KEY },
  { path: "/etc/kubernetes/pki", kind: "key", inside: KEY },
];
