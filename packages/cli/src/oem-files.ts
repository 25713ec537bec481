/** What an installation leaves in /oem: the machine's cloud config, and where and how it registers. */
import { isMap, plainName, type InstallSettings } from "@rancheros/agent/install";

import { formatCloudConfig } from "./cloud-config-text.ts";
import type { PipedCa } from "./install-registration.ts";
import type { InstallDocument } from "./install-settings.ts";
import { readTextFile } from "./read-text-file.ts";

type RegistrationSettings = Pick<
  InstallSettings,
  "registrationUrl" | "registrationCaCert" | "registrationCaSha256" | "registrationAllowHttp"
>;

/**
 * Where the machine was asked to register stays in a file of its own, so that it finds its operator after a reset too; and
 * with it everything without which it would not take that operator for the right one.
 * @throws CliError CLI_FILE_UNREADABLE, CLI_INTERRUPTED
 */
export async function oemFiles(
  settings: RegistrationSettings,
  document: InstallDocument,
  given: { readonly signal: AbortSignal; readonly piped: PipedCa | undefined },
): Promise<ReadonlyMap<string, string>> {
  const { registrationUrl, registrationCaSha256, registrationAllowHttp } = settings;
  const { registrationCaCert } = settings;
  const { signal, piped } = given;
  const ca = registrationCaCert === piped?.path ? piped?.text : await caText(registrationCaCert, signal);
  const install = {
    ...(registrationUrl === undefined ? {} : { registrationURL: registrationUrl }),
    ...(ca === undefined ? {} : { registrationCACert: ca }),
    ...(registrationCaSha256 === undefined ? {} : { registrationCASHA256: registrationCaSha256 }),
    ...(registrationAllowHttp ? { registrationAllowHTTP: true } : {}),
  };
  const own = { rancheros: { install } };
  const entries = Object.entries(document);
  const rest = entries.filter(([key]) => !["install", "rancheros"].includes(plainName(key)));
  const ours = entries.filter(([key]) => plainName(key) === "rancheros").map(([, value]) => value);
  const kept = ours
    .filter(isMap)
    .flatMap(Object.entries<unknown>)
    .filter(([key]) => plainName(key) !== "install");
  const config = { ...Object.fromEntries(rest), rancheros: { ...Object.fromEntries(kept), install } };
  return new Map([
    ["99_custom.yaml", formatCloudConfig(config)],
    ...(registrationUrl === undefined ? [] : [["registration.yaml", formatCloudConfig(own)] as const]),
  ]);
}

/** A path is one of the live system's, which is gone afterwards. */
async function caText(given: string | undefined, signal: AbortSignal): Promise<string | undefined> {
  return given === undefined || given.includes("-----BEGIN") ? given : readTextFile(given, signal);
}
