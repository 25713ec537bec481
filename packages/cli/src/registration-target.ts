/** Where to register, and how to know that it is the right server: from the command line, or from a cloud-config. */
import {
  parsePin,
  parseRegistrationUrl,
  readPipedCa,
  registrationSettings,
  type RegistrationSettings,
  type Trust,
} from "@rancheros/agent/registration";

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
  readonly signal: AbortSignal;
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
  const { config, allowBare = false } = options;
  const settings =
    config === undefined ? undefined : registrationSettings(await readCloudConfig(config, options.signal));
  const url = options.url ?? settings?.url;
  if (url === undefined) {
    throw new CliError("CLI_USAGE", "no registration URL was given", {
      mend: "Give it as an argument, or name with --config a cloud-config that holds it.",
    });
  }
  // What the file allows it allows its own URL.
  const allowHttp = options.allowHttp || (options.url === undefined && settings?.allowHttp === true);
  parseRegistrationUrl(url, { allowHttp, allowBare });
  return { url, allowHttp, trust: await chooseTrust(options, settings) };
}

async function readCloudConfig(path: string, signal: AbortSignal): Promise<unknown> {
  const text = await readTextFile(path, signal);
  const { parseCloudConfig } = await import("./cloud-config-text.ts");
  return parseCloudConfig(text, path);
}

async function chooseTrust(flags: TargetOptions, settings: RegistrationSettings | undefined): Promise<Trust> {
  const { caCert: path, signal } = flags;
  if (path !== undefined) {
    const text = await readPipedCa(path, signal);
    return { kind: "ca-file", path, ...(text === undefined ? {} : { text }) };
  }
  if (flags.caSha256 !== undefined) return { kind: "pin", pin: parsePin(flags.caSha256) };
  if (settings?.caPem !== undefined) return { kind: "ca", pem: settings.caPem };
  return settings?.caSha256 === undefined ? { kind: "system" } : { kind: "pin", pin: parsePin(settings.caSha256) };
}
