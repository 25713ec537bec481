/** The arguments of `run` for docker, podman and nerdctl. Secrets stand in none of them. */
import type { SecurityContext } from "../container-spec.ts";
import type { StartCall } from "../driver.ts";
import type { RuntimeKind } from "../runtime.ts";

export type EngineKind = Exclude<RuntimeKind, "containerd">;
export type Propagation = "rshared" | "rslave" | "rprivate";

/** Each bounded by its own log driver: they record output also while no agent runs. */
const LOG_ARGUMENTS: Readonly<Record<EngineKind, readonly string[]>> = {
  docker: ["--log-driver", "json-file", "--log-opt", "max-size=1m", "--log-opt", "max-file=2"],
  nerdctl: ["--log-driver", "json-file", "--log-opt", "max-size=1m", "--log-opt", "max-file=2"],
  podman: ["--log-driver", "k8s-file", "--log-opt", "max-size=1mb"],
};

export function engineRunArguments(kind: EngineKind, call: StartCall, propagation: Propagation): readonly string[] {
  const { spec, labels, envFile, files } = call;
  const { command = [], args = [] } = spec;
  const [program, ...rest] = command;
  const mounts = [
    ...(spec.hostRoot === undefined ? [] : [{ source: spec.hostRoot, destination: "/host", readOnly: false }]),
    ...(spec.mounts ?? []),
  ];
  return [
    "run",
    "--detach",
    "--pull",
    "never",
    "--name",
    spec.name,
    ...securityArguments(spec.securityContext ?? { privileged: true }),
    "--network",
    "host",
    "--pid",
    "host",
    "--ipc",
    "host",
    ...LOG_ARGUMENTS[kind],
    "--env-file",
    envFile,
    ...mounts.flatMap((one) => [
      "--mount",
      mount(one.source, one.destination, [
        `bind-propagation=${propagation}`,
        ...(one.readOnly === true ? ["readonly"] : []),
      ]),
    ]),
    ...files.flatMap(({ source, destination }) => ["--mount", mount(source, destination, ["readonly"])]),
    ...Object.entries(labels).flatMap(([key, value]) => ["--label", `${key}=${value}`]),
    ...(program === undefined ? [] : ["--entrypoint", program]),
    spec.image,
    ...rest,
    ...args,
  ];
}

function securityArguments(context: SecurityContext): readonly string[] {
  const { privileged, readOnlyRootFilesystem, runAsUser, runAsGroup, capabilities } = context;
  const short = (names: readonly string[] = []): readonly string[] => names.map((name) => name.replace(/^CAP_/, ""));
  return [
    ...(privileged === true ? ["--privileged"] : []),
    ...(readOnlyRootFilesystem === true ? ["--read-only"] : []),
    ...(runAsUser === undefined
      ? []
      : ["--user", runAsGroup === undefined ? `${runAsUser}` : `${runAsUser}:${runAsGroup}`]),
    ...short(capabilities?.add).flatMap((name) => ["--cap-add", name]),
    ...short(capabilities?.drop).flatMap((name) => ["--cap-drop", name]),
  ];
}

/** Read as a line of comma-separated values. */
function mount(source: string, destination: string, options: readonly string[]): string {
  const fields = ["type=bind", `source=${source}`, `target=${destination}`, ...options];
  return fields.map((field) => (field.includes(",") ? `"${field}"` : field)).join(",");
}
