/** The argument and the flags by which commands name a node of the cluster and the way to its API server. */
import { string as textArgument } from "@oclif/core/args";
import { option, string } from "@oclif/core/flags";

export const NODE_ARGS = {
  node: textArgument({
    description: "The node, as `kubectl get nodes` lists it. Default: the one that this machine is.",
    required: false,
  }),
} as const;

export const NODE_FLAGS = {
  kubeconfig: string({
    description:
      "The way to the API server. Default: $KUBECONFIG, otherwise the administrator's kubeconfig of k3s, RKE2 or " +
      "kubeadm, otherwise the kubelet's.",
    helpValue: "FILE",
  }),
  "dry-run": option({
    description:
      "Change nothing: client only tells what would be done, server has the API server check it too. Alone: client.",
    options: ["none", "client", "server"] as const,
    helpValue: "MODE",
    default: "none",
  })(),
} as const;

/**
 * As kubectl takes flags: --dry-run may stand alone, and a switch may be given a value, of which the last one counts.
 * @param switches  names of the flags that take none here
 */
export function kubectlArgs(args: readonly string[], switches: readonly string[]): readonly string[] {
  const end = args.indexOf("--");
  const flags = end === -1 ? args : args.slice(0, end);
  const rewritten = flags.flatMap((arg, index) => {
    if (arg === "--dry-run") return ["--dry-run=client"];
    const [, name = "", value] = /^--([^=]+)(?:=(true|false))?$/.exec(arg) ?? [];
    if (!switches.includes(name)) return [arg];
    const isUndone = value === "false" || flags.includes(`--${name}=false`, index + 1);
    return isUndone ? [] : [`--${name}`];
  });
  return [...rewritten, ...args.slice(flags.length)];
}
