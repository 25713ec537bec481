/** What mount is started with, so that a snapshot is there to be read. */
import { ContainerError } from "../errors.ts";

export interface MountArguments {
  readonly args: readonly string[];
  /** Where mount has to be started, as its options begin there. */
  readonly cwd?: string;
}

/** Of all that an overlay lies on, the uppermost first. */
const LOWER = "lowerdir=";

/**
 * Of `ctr snapshots mounts`: the command that a person would type, `mount -t overlay overlay TARGET -o OPTIONS`.
 * @throws ContainerError CONTAINER_NONSENSE for anything else; other snapshotters may need more than one
 */
export function mountArguments(printed: string, target: string): MountArguments {
  const words = printed.trim().split(/\s+/);
  const [command, flag, type = "", source = "", place, optionFlag, options = ""] = words;
  const good = command === "mount" && flag === "-t" && optionFlag === "-o" && place === target && words.length === 7;
  if (!good || options === "" || source === "") {
    throw new ContainerError("CONTAINER_NONSENSE", "ctr told no single mount for the image's files", {
      details: { printed: printed.slice(0, 300) },
    });
  }
  const readOnly = options.split(",").includes("ro") ? options : `ro,${options}`;
  if (type === "bind") return { args: ["-o", readOnly, source, target] };
  const { text, cwd } = shortened(readOnly);
  return { args: ["-t", type, "-o", text, source, target], ...(cwd === undefined ? {} : { cwd }) };
}

/** The kernel takes one page of options, which is some forty layers by their whole paths: containerd does the same. */
function shortened(options: string): { readonly text: string; readonly cwd?: string } {
  const all = options.split(",");
  const at = all.findIndex((one) => one.startsWith(LOWER));
  const folders = all[at]?.slice(LOWER.length).split(":") ?? [];
  // A backslash keeps a colon or a comma from dividing: then nobody here knows where a path ends.
  const areKnown = folders.length > 1 && !options.includes("\\") && folders.every((one) => one.startsWith("/"));
  const cwd = areKnown ? commonParent(folders) : "/";
  if (cwd === "/") return { text: options };
  const lower = `${LOWER}${folders.map((one) => one.slice(cwd.length + 1)).join(":")}`;
  return { text: all.with(at, lower).join(","), cwd };
}

/** Of absolute paths: the folder that all of them are below, and none of them is. */
function commonParent(folders: readonly string[]): string {
  const [first = [], ...others] = folders.map((one) => one.split("/").slice(0, -1));
  const end = first.findIndex((part, at) => others.some((parts) => parts[at] !== part));
  return `/${first.slice(1, end === -1 ? undefined : end).join("/")}`;
}
