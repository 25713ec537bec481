/** Who applies a cloud-config to this machine: the operating system's own tool where it has one, otherwise this program. */
import type { RootFiles } from "../../files/index.ts";

export type Tool = "native" | "yip" | "cloud-init";

/** yip reads /oem at each start, through one of these. Source: elemental-toolkit, cOS toolkit */
const YIP_PROGRAMS = ["/usr/bin/yip", "/usr/bin/elemental", "/usr/bin/cos-setup", "/usr/sbin/cos-setup"] as const;
const CLOUD_INIT_PROGRAMS = ["/usr/bin/cloud-init", "/usr/local/bin/cloud-init"] as const;
/** Made by whoever wants cloud-init to keep out. Source: cloud-init, disable */
const CLOUD_INIT_OFF = "/etc/cloud/cloud-init.disabled";

export async function chooseTool(files: Pick<RootFiles, "kind">): Promise<Tool> {
  const isThere = async (path: string): Promise<boolean> => (await files.kind(path)) !== undefined;
  const anyOf = async (paths: readonly string[]): Promise<boolean> =>
    (await Promise.all(paths.map(isThere))).includes(true);
  if ((await files.kind("/oem")) === "folder" && (await anyOf(YIP_PROGRAMS))) return "yip";
  if ((await anyOf(CLOUD_INIT_PROGRAMS)) && !(await isThere(CLOUD_INIT_OFF))) return "cloud-init";
  return "native";
}
