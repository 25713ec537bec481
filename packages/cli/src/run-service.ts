/** `ros-agent run` from its flags on, whoever has read them. */
import path from "node:path";

import { LEARNED_CA_FILE } from "@rancheros/agent/registration";

import type { CommandSurroundings } from "./surroundings.ts";
import { runAgent } from "./daemon-run.ts";
import { parseKeyValues } from "./key-values.ts";
import { agentOptions, type RuntimeFlagValues } from "./machine-run.ts";
import type { EndorsementKeyChoice } from "./open-machine-tpm.ts";
import { parseDuration } from "./parse-duration.ts";
import { registrationTarget } from "./registration-target.ts";

export interface RunFlagValues extends RuntimeFlagValues {
  readonly "without-operator": boolean;
  readonly config: string | undefined;
  readonly "ca-cert": string | undefined;
  readonly "ca-sha256": string | undefined;
  readonly "allow-http": boolean;
  readonly "smbios-dump": string | undefined;
  readonly "no-smbios": boolean;
  readonly label: string[] | undefined;
  readonly annotation: string[] | undefined;
  readonly "without-ek-certificate": boolean;
  readonly timeout: string;
  readonly ek: Exclude<EndorsementKeyChoice, "any"> | undefined;
  readonly tcti: string | undefined;
}

/** @throws as runDaemon, and what is wrong with the flags */
export async function runService(
  url: string | undefined,
  flags: RunFlagValues,
  surroundings: CommandSurroundings,
  remark: (text: string) => void,
): Promise<void> {
  const { environment, signal } = surroundings;
  const machine = agentOptions(flags, surroundings, remark);
  if (flags["without-operator"]) return runAgent(machine, undefined, surroundings);
  const target = await registrationTarget({
    url,
    config: flags.config,
    caCert: flags["ca-cert"],
    caSha256: flags["ca-sha256"],
    allowHttp: flags["allow-http"],
    allowBare: true,
    signal,
  });
  return runAgent(
    machine,
    {
      server: {
        ...target,
        learnedCaFile: path.join(flags["state-folder"], LEARNED_CA_FILE),
        learnsCa: true,
        environment,
        signal,
        timeoutMs: parseDuration(flags.timeout, "timeout"),
      },
      withoutEkCertificate: flags["without-ek-certificate"],
      tcti: flags.tcti,
      endorsementKey: flags.ek ?? "any",
      smbios: flags["no-smbios"] ? "none" : { folder: flags["smbios-dump"] },
      hostRoot: flags["host-root"],
      labels: parseKeyValues(flags.label ?? [], "label"),
      annotations: parseKeyValues(flags.annotation ?? [], "annotation"),
      surroundings,
      remark,
    },
    surroundings,
  );
}
