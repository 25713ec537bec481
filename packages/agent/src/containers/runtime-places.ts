/** Where runtimes are on a node, the likeliest first. */
import type { ContainerRuntime, RuntimeKind } from "./runtime.ts";

export interface RuntimePlace {
  readonly kind: RuntimeKind;
  readonly origin: ContainerRuntime["origin"];
  /** Programs that serve it, each with its first arguments; the first that is there is taken. */
  readonly programs: readonly (readonly [path: string, ...args: string[]])[];
  /** Has to be there; undefined for what needs none. */
  readonly socket: string | undefined;
  readonly namespace: string | undefined;
  /** By what one sees that it is about to run here, before its socket is there. */
  readonly expected?: {
    /** Any of them: what starts it with the machine. */
    readonly links: readonly string[];
    /** It has kept images here before; with `--docker` k3s does not. */
    readonly store: string;
    /** The socket of what runs in its place where it has kept images here only before. */
    readonly instead?: string | undefined;
  };
}

const FOLDERS = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/opt/bin"] as const;

const anywhere = (name: string): readonly (readonly [string, ...string[]])[] =>
  FOLDERS.map((folder) => [`${folder}/${name}`] as const);

/** k3s and rke2 share it. */
const RANCHER_SOCKET = "/run/k3s/containerd/containerd.sock";
/** Of systemd and of OpenRC. */
const startLinks = (...services: readonly string[]): readonly string[] =>
  services.flatMap((name) => [
    `/etc/systemd/system/multi-user.target.wants/${name}.service`,
    `/etc/runlevels/default/${name}`,
  ]);
const SYSTEM_SOCKET = "/run/containerd/containerd.sock";

/**
 * Rke2 before k3s, as they share a socket and rke2's program is at one place only.
 * Source: k3s docs "Advanced options", k3s pkg/agent/config (sockets), rke2 docs "Cluster access"; containerd defaults; docker's and podman's packages.
 */
export const RUNTIME_PLACES: readonly RuntimePlace[] = [
  {
    kind: "containerd",
    origin: "rke2",
    programs: [["/var/lib/rancher/rke2/bin/ctr"]],
    socket: RANCHER_SOCKET,
    namespace: "k8s.io",
    expected: { links: startLinks("rke2-server", "rke2-agent"), store: "/var/lib/rancher/rke2/agent/containerd" },
  },
  {
    kind: "containerd",
    origin: "k3s",
    programs: [
      ["/var/lib/rancher/k3s/data/current/bin/ctr"],
      ...["/usr/local/bin/k3s", "/usr/bin/k3s", "/opt/bin/k3s"].map((path) => [path, "ctr"] as const),
    ],
    socket: RANCHER_SOCKET,
    namespace: "k8s.io",
    expected: {
      links: startLinks("k3s", "k3s-agent"),
      store: "/var/lib/rancher/k3s/agent/containerd",
      instead: "/run/k3s/cri-dockerd/cri-dockerd.sock",
    },
  },
  {
    kind: "containerd",
    origin: "system",
    programs: anywhere("ctr"),
    socket: SYSTEM_SOCKET,
    namespace: "default",
  },
  {
    kind: "nerdctl",
    origin: "system",
    programs: anywhere("nerdctl"),
    socket: SYSTEM_SOCKET,
    namespace: "default",
  },
  { kind: "podman", origin: "system", programs: anywhere("podman"), socket: undefined, namespace: undefined },
  {
    kind: "docker",
    origin: "system",
    programs: anywhere("docker"),
    socket: "/run/docker.sock",
    namespace: undefined,
  },
];
