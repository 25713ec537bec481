/** Where containerd keeps layers. */
import type { ContainerRuntime } from "../runtime.ts";
import { pluginRoot } from "./ctr-answers.ts";
import type { Ctr } from "./ctr.ts";

const SNAPSHOTTER_TYPE = "io.containerd.snapshotter.v1";
const CONTENT_TYPE = "io.containerd.content.v1";
/** The snapshotter that ctr uses by itself. */
const DEFAULT_SNAPSHOTTER = "overlayfs";
/** Where containerd's plugins do not tell. */
const DEFAULT_FOLDERS: Readonly<Record<ContainerRuntime["origin"], string>> = {
  k3s: "/var/lib/rancher/k3s/agent/containerd",
  rke2: "/var/lib/rancher/rke2/agent/containerd",
  system: "/var/lib/containerd",
  set: "/var/lib/containerd",
};

/** The snapshotter's folder, which takes the most; that of the compressed layers is beside it. */
export async function storageFolder(runtime: ContainerRuntime, ctr: Ctr): Promise<string> {
  const printed = await ctr.text(["plugins", "ls", "--detailed"], { what: "asking for containerd's storage" });
  return (
    pluginRoot(printed, SNAPSHOTTER_TYPE, runtime.snapshotter ?? DEFAULT_SNAPSHOTTER) ??
    pluginRoot(printed, CONTENT_TYPE, "content") ??
    DEFAULT_FOLDERS[runtime.origin]
  );
}
