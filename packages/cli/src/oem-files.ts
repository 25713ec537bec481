/** What an installation leaves in /oem: the machine's cloud config, and where and how it registers. */
import type { InstallSettings } from "@rancheros/agent/install";

import { formatCloudConfig } from "./cloud-config-text.ts";
import type { InstallDocument } from "./install-settings.ts";
import { readTextFile } from "./read-text-file.ts";

type RegistrationSettings = Pick<
  InstallSettings,
  "registrationUrl" | "registrationCaCert" | "registrationCaSha256" | "registrationAllowHttp"
>;

/**
 * Where the machine was asked to register stays in a file of its own, so that it finds its operator after a reset too; and
 * with it everything without which it would not take that operator for the right one.
 * @throws CliError CLI_FILE_UNREADABLE
 */
export async function oemFiles(
  settings: RegistrationSettings,
  document: InstallDocument,
): Promise<ReadonlyMap<string, string>> {
  const { registrationUrl, registrationCaSha256, registrationAllowHttp } = settings;
  const ca = await caText(settings.registrationCaCert);
  const install = {
    ...(registrationUrl === undefined ? {} : { registrationURL: registrationUrl }),
    ...(ca === undefined ? {} : { registrationCACert: ca }),
    ...(registrationCaSha256 === undefined ? {} : { registrationCASHA256: registrationCaSha256 }),
    ...(registrationAllowHttp ? { registrationAllowHTTP: true } : {}),
  };
  const own = { rancheros: { install } };
  const { install: _bare, rancheros: ours, ...rest } = document;
  const kept =
    typeof ours === "object" && ours !== null
      ? Object.fromEntries(Object.entries(ours).filter(([key]) => key !== "install"))
      : {};
  const config = { ...rest, rancheros: { ...kept, install } };
  return new Map([
    ["99_custom.yaml", formatCloudConfig(config)],
    ...(registrationUrl === undefined ? [] : [["registration.yaml", formatCloudConfig(own)] as const]),
  ]);
}

/** A path is one of the live system's, which is gone afterwards. */
async function caText(given: string | undefined): Promise<string | undefined> {
  return given === undefined || given.includes("-----BEGIN") ? given : readTextFile(given);
}
