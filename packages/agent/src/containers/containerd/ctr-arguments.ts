/** The arguments of `ctr run` for a container. Secrets stand in none of them. */
import { STARTED_FILE, type StartCall } from "../driver.ts";
import { commaSeparated, securityArguments } from "../program-arguments.ts";

export interface CtrRunOptions {
  readonly snapshotter: string | undefined;
  /** Program and its one argument; the folder is the second. */
  readonly recorder: readonly [program: string, argument: string];
  /** The whole command line; empty for that of the image. */
  readonly commandLine: readonly string[];
  /** Without it, mounts that the container makes below /host do not reach the host: older versions cannot. */
  readonly sharedPropagation: boolean;
}

/**
 * The host's namespaces but for mounts and the host name, as a pod with hostPID, hostIPC and hostNetwork.
 *
 * /proc/self is runc itself: it is in the namespaces that containerd is in, which is the host's. /proc/1 would be the
 * same on a node, but may not be looked into everywhere.
 */
const HOST_NAMESPACES = [
  "--net-host",
  "--with-ns",
  "pid:/proc/self/ns/pid",
  "--with-ns",
  "ipc:/proc/self/ns/ipc",
] as const;

export function ctrRunArguments(call: StartCall, options: CtrRunOptions): readonly string[] {
  const { spec, labels, files, envFile, folder } = call;
  const { recorder, snapshotter, commandLine, sharedPropagation } = options;
  const host =
    spec.hostRoot === undefined
      ? []
      : ["--mount", mount(spec.hostRoot, "/host", `rbind:rw:${sharedPropagation ? "rshared" : "rslave"}`)];
  return [
    "run",
    "--detach",
    ...(snapshotter === undefined ? [] : ["--snapshotter", snapshotter]),
    ...securityArguments(spec.securityContext ?? { privileged: true }, capabilityName),
    ...HOST_NAMESPACES,
    ...(sharedPropagation ? ["--rootfs-propagation", "rshared"] : []),
    "--env-file",
    envFile,
    ...host,
    ...(spec.mounts ?? []).flatMap(({ source, destination, readOnly }) => [
      "--mount",
      mount(
        source,
        destination,
        `rbind:${readOnly === true ? "ro" : "rw"}:${sharedPropagation ? "rshared" : "rslave"}`,
      ),
    ]),
    ...files.flatMap(({ source, destination }) => ["--mount", mount(source, destination, "bind:ro")]),
    ...Object.entries(labels).flatMap(([key, value]) => ["--label", `${key}=${value}`]),
    // Written when the container is made, in the moment before it is started.
    "--pid-file",
    `${folder}/${STARTED_FILE}`,
    "--log-uri",
    logUri(recorder, folder),
    spec.image,
    spec.name,
    ...commandLine,
  ];
}

function capabilityName(name: string): string {
  return name.startsWith("CAP_") ? name : `CAP_${name}`;
}

function mount(source: string, destination: string, options: string): string {
  return commaSeparated(["type=bind", `src=${source}`, `dst=${destination}`, `options=${options}`]);
}

/** The shim calls the program with each key of the query and its value, in no order: so there is one. */
function logUri([program, argument]: readonly [string, string], folder: string): string {
  const path = program.split("/").map(encodeURIComponent).join("/");
  return `binary://${path}?${encodeURIComponent(argument)}=${encodeURIComponent(folder)}`;
}
