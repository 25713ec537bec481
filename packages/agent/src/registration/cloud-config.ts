/** Finds out of a cloud-config where its machine shall register. */
import { RegistrationError } from "./errors.ts";

export interface RegistrationSettings {
  readonly url: string;
  /** PEM; undefined where the system's CAs are meant. */
  readonly caPem: string | undefined;
}

/**
 * @param document  a cloud-config as parsed YAML; keys in any case, with `_` and `-` or without, as the original takes them
 * @returns `rancheros.install.registrationURL` and `registrationCACert`
 * @throws RegistrationError REGISTRATION_CLOUD_CONFIG_INVALID
 */
export function registrationSettings(document: unknown): RegistrationSettings {
  const install = fuzzyGet(fuzzyGet(document, "rancheros"), "install");
  const url = fuzzyGet(install, "registrationurl");
  if (typeof url !== "string" || url.trim() === "") {
    throw new RegistrationError(
      "REGISTRATION_CLOUD_CONFIG_INVALID",
      "the cloud-config has no text at rancheros.install.registrationURL",
    );
  }
  const ca = fuzzyGet(install, "registrationcacert");
  if (ca !== undefined && ca !== null && typeof ca !== "string") {
    throw new RegistrationError(
      "REGISTRATION_CLOUD_CONFIG_INVALID",
      "rancheros.install.registrationCACert of the cloud-config is not text",
    );
  }
  return { url, caPem: typeof ca === "string" && ca.trim() !== "" ? ca : undefined };
}

function fuzzyGet(map: unknown, plainKey: string): unknown {
  if (typeof map !== "object" || map === null) return undefined;
  return Object.entries(map).find(([key]) => key.toLowerCase().replaceAll(/[_-]/g, "") === plainKey)?.[1];
}
