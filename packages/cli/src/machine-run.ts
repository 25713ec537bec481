/** From flags to the machine that the agent works on. */
import type { HandOptions } from "@rancheros/agent/upgrade";
import {
  nodeContainers,
  nodeRegistries,
  nodeSlots,
  type ContainerPort,
  type SystemSlotsPort,
} from "@rancheros/agent/upgrade";

import { parseByteRate } from "./byte-rate.ts";
import { requireFile } from "./check-paths.ts";
import { parseDuration } from "./parse-duration.ts";
import type { Surroundings } from "./surroundings.ts";

export interface MachineFlagValues {
  readonly "state-folder": string;
  readonly "run-folder": string;
  readonly "host-root": string;
  readonly kubeconfig: string | undefined;
}

export interface RuntimeFlagValues extends MachineFlagValues {
  readonly runtime: "containerd" | "nerdctl" | "podman" | "docker" | undefined;
  readonly "runtime-socket": string | undefined;
  readonly registries: string | undefined;
  readonly "pull-rate": string | undefined;
  readonly "check-timeout": string;
}

export interface MachineRunOptions {
  readonly hostRoot: string;
  readonly stateFolder: string;
  readonly runFolder: string;
  readonly kubeconfig: string | undefined;
  readonly checkTimeoutMs: number;
  readonly environment: Surroundings["environment"];
  readonly log: (message: string) => void;
}

const CHECK_TIMEOUT_MS = 60_000;

export function machineOptions(
  flags: MachineFlagValues,
  { environment }: Surroundings,
  log: (message: string) => void,
): MachineRunOptions {
  return {
    hostRoot: flags["host-root"],
    stateFolder: flags["state-folder"],
    runFolder: flags["run-folder"],
    kubeconfig: flags.kubeconfig,
    checkTimeoutMs: CHECK_TIMEOUT_MS,
    environment,
    log,
  };
}

/** With what runs containers. @throws CliError CLI_USAGE */
export function agentOptions(
  flags: RuntimeFlagValues,
  surroundings: Surroundings,
  log: (message: string) => void,
): MachineRunOptions & { readonly containers: ContainerPort; readonly systemSlots: SystemSlotsPort } {
  const machine = machineOptions(flags, surroundings, log);
  const registriesPath = flags.registries;
  const bytesPerSecond = parseByteRate(flags["pull-rate"], "pull-rate");
  const containers = nodeContainers({
    hostRoot: machine.hostRoot,
    runFolder: machine.runFolder,
    choice: { kind: flags.runtime, socket: flags["runtime-socket"] },
    registriesPath,
    bytesPerSecond,
    recorder: undefined,
    log,
  });
  const systemSlots = nodeSlots({ ...machine, registriesPath, bytesPerSecond });
  const checkTimeoutMs = parseDuration(flags["check-timeout"], "check-timeout");
  return { ...machine, checkTimeoutMs, containers, systemSlots };
}

/** What a tag names now. @throws CliError CLI_FILE_UNREADABLE; ImagePullError, ImageReferenceError */
export async function resolveImage(
  image: string,
  flags: RuntimeFlagValues,
  { signal }: Surroundings,
): Promise<Pick<HandOptions, "osImage" | "reference" | "version">> {
  await requireFile("registries", flags.registries);
  const { resolveTag } = await import("@rancheros/agent/images");
  const registries = await nodeRegistries({ hostRoot: flags["host-root"], registriesPath: flags.registries });
  const { reference, tag } = await resolveTag({ reference: image, registries, account: undefined, signal });
  return { osImage: image, reference, version: tag };
}
