/** The arguments of `run` for docker, podman and nerdctl. Secrets stand in none of them. */
import type { StartCall } from "../driver.ts";
import { commaSeparated, securityArguments } from "../program-arguments.ts";
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
    ...securityArguments(spec.securityContext ?? { privileged: true }, capabilityName),
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

function capabilityName(name: string): string {
  return name.replace(/^CAP_/, "");
}

function mount(source: string, destination: string, options: readonly string[]): string {
  return commaSeparated(["type=bind", `source=${source}`, `target=${destination}`, ...options]);
}
