/** What runs containers on this node, as data: it is found by looking, or set by a person. */

export const RUNTIME_KINDS = ["containerd", "nerdctl", "podman", "docker"] as const;
export type RuntimeKind = (typeof RUNTIME_KINDS)[number];

export interface ContainerRuntime {
  readonly kind: RuntimeKind;
  /** Who brought it along; "set" where a person named it. */
  readonly origin: "k3s" | "rke2" | "system" | "set";
  /** Program and the arguments that come before all others: `/usr/local/bin/k3s ctr`. */
  readonly program: readonly [program: string, ...args: string[]];
  /** Path of the socket; undefined where the program finds its own (podman has none). */
  readonly socket: string | undefined;
  /** Containerd's namespace; undefined for podman and docker. */
  readonly namespace: string | undefined;
  /** Containerd's snapshotter, where it is not the program's own default. */
  readonly snapshotter: string | undefined;
}

/** By which it is known again after a restart: its program may lie elsewhere in another operating system. */
export type RuntimeIdentity = Pick<ContainerRuntime, "kind" | "socket">;

/** In a few words, for people and logs. */
export function describeRuntime(runtime: ContainerRuntime): string {
  const origin = runtime.origin === "k3s" || runtime.origin === "rke2" ? ` of ${runtime.origin}` : "";
  return `${runtime.kind}${origin} (${[...runtime.program, ...(runtime.socket === undefined ? [] : [runtime.socket])].join(" ")})`;
}
