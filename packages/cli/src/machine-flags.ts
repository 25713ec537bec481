/** The flags of all commands that work on this machine's upgrades. */
import { option, string } from "@oclif/core/flags";

export const MACHINE_FLAGS = {
  "state-folder": string({
    description: "Where the journal of upgrades is; it has to be on a disk.",
    helpValue: "FOLDER",
    default: "/var/lib/rancheros",
  }),
  "run-folder": string({
    description: "Where the agent's lock and socket are.",
    helpValue: "FOLDER",
    default: "/run/rancheros",
  }),
  "host-root": string({
    description: "Where the machine's / is, such as a mount in a container.",
    helpValue: "FOLDER",
    default: "/",
  }),
  kubeconfig: string({
    description:
      "The way to the API server of the node's cluster. Default: $KUBECONFIG, otherwise what k3s, RKE2 or kubeadm have " +
      "put on the node: the administrator's, then the kubelet's.",
    helpValue: "FILE",
  }),
} as const;

/** How images come to the node, and what runs them. */
export const RUNTIME_FLAGS = {
  runtime: option({
    description: "What runs containers here. Default: what is found.",
    options: ["containerd", "nerdctl", "podman", "docker"] as const,
    helpValue: "KIND",
  })(),
  "runtime-socket": string({
    description: "The container runtime's socket, in place of those that are looked for.",
    helpValue: "FILE",
  }),
  registries: string({
    description: "Mirrors, CAs and accounts of registries. Default: the registries.yaml of k3s or RKE2.",
    helpValue: "FILE",
  }),
  "pull-rate": string({
    description: "At most so much a second from a registry, such as 500KiB or 10MiB. Default: as fast as it comes.",
    helpValue: "BYTES",
  }),
  "check-timeout": string({
    description: "For each program in /etc/rancheros/checks.d.",
    helpValue: "DURATION",
    default: "1m",
  }),
} as const;
