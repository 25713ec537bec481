/** Where to register, and how to know that it is the right server: from the command line, or from a cloud-config. */
import { parsePin, parseRegistrationUrl, registrationSettings, type Trust } from "@rancheros/agent/registration";

import { CliError } from "./errors.ts";
import { readTextFile } from "./read-text-file.ts";

export interface TargetOptions {
  readonly url: string | undefined;
  /** Path of a cloud-config. */
  readonly config: string | undefined;
  /** Path of a PEM file. */
  readonly caCert: string | undefined;
  readonly caSha256: string | undefined;
  readonly allowHttp: boolean;
  /** Whether the server's address alone is enough. */
  readonly allowBare?: boolean;
}

export interface RegistrationTarget {
  readonly url: string;
  readonly allowHttp: boolean;
  readonly trust: Trust;
}

/**
 * Flags win over the cloud-config. What is wrong with any of them is said before the TPM is touched.
 * @throws CliError, RegistrationError
 */
export async function registrationTarget(options: TargetOptions): Promise<RegistrationTarget> {
  const { config, allowHttp, allowBare = false } = options;
  const settings = config === undefined ? undefined : registrationSettings(await readCloudConfig(config));
  const url = options.url ?? settings?.url;
  if (url === undefined) {
    throw new CliError("CLI_USAGE", "no registration URL was given", {
      mend: "Give it as an argument, or name with --config a cloud-config that holds it.",
    });
  }
  parseRegistrationUrl(url, { allowHttp, allowBare });
  return { url, allowHttp, trust: chooseTrust(options, settings?.caPem) };
}

async function readCloudConfig(path: string): Promise<unknown> {
  const text = await readTextFile(path);
  const { parseCloudConfig } = await import("./cloud-config-text.ts");
  return parseCloudConfig(text, path);
}

function chooseTrust({ caCert, caSha256 }: TargetOptions, caPem: string | undefined): Trust {
  if (caCert !== undefined) return { kind: "ca-file", path: caCert };
  if (caSha256 !== undefined) return { kind: "pin", pin: parsePin(caSha256) };
  return caPem === undefined ? { kind: "system" } : { kind: "ca", pem: caPem };
}
