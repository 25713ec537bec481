/** Finds out of a cloud-config where its machine shall register. */
import { RegistrationError } from "./errors.ts";

export interface RegistrationSettings {
  readonly url: string;
  /** PEM; undefined where the system's CAs are meant. */
  readonly caPem: string | undefined;
  /** As people copy it; undefined where there is none. */
  readonly caSha256: string | undefined;
  /** Whether a URL without TLS is meant to be one. */
  readonly allowHttp: boolean;
}

/**
 * @param document  a cloud-config as parsed YAML; keys in any case, with `_` and `-` or without, as the original takes them
 * @returns `rancheros.install.registrationURL`, `registrationCACert`, and what `ros-agent install` keeps beside them:
 *          `registrationCASHA256` and `registrationAllowHTTP`
 * @throws RegistrationError REGISTRATION_CLOUD_CONFIG_INVALID
 */
export function registrationSettings(document: unknown): RegistrationSettings {
  const install = allUnder(allUnder([document], "rancheros"), "install");
  const url = lastUnder(install, "registrationurl");
  if (typeof url !== "string" || url.trim() === "") {
    throw new RegistrationError(
      "REGISTRATION_CLOUD_CONFIG_INVALID",
      "the cloud-config has no text at rancheros.install.registrationURL",
    );
  }
  return {
    url,
    caPem: optionalText(install, "registrationCACert"),
    caSha256: optionalText(install, "registrationCASHA256"),
    allowHttp: isYes(install, "registrationAllowHTTP"),
  };
}

function optionalText(install: readonly unknown[], key: string): string | undefined {
  const value = lastUnder(install, key.toLowerCase());
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw invalid(key, "is not text");
  return value.trim() === "" ? undefined : value;
}

function isYes(install: readonly unknown[], key: string): boolean {
  const value = lastUnder(install, key.toLowerCase());
  if (value === undefined || value === null) return false;
  if (typeof value === "boolean") return value;
  if (value === "true" || value === "false") return value === "true";
  throw invalid(key, "is neither true nor false");
}

function invalid(key: string, what: string): RegistrationError {
  return new RegistrationError(
    "REGISTRATION_CLOUD_CONFIG_INVALID",
    `rancheros.install.${key} of the cloud-config ${what}`,
  );
}

/** A file may have a name in two spellings: the later one counts, and one without a value says nothing. */
function lastUnder(maps: readonly unknown[], plainKey: string): unknown {
  return allUnder(maps, plainKey).findLast((value) => value !== null && value !== undefined);
}

function allUnder(maps: readonly unknown[], plainKey: string): readonly unknown[] {
  return maps.flatMap((map) => {
    if (typeof map !== "object" || map === null) return [];
    const matches = Object.entries(map).filter(([key]) => key.toLowerCase().replaceAll(/[_-]/g, "") === plainKey);
    return matches.map(([, value]: readonly [string, unknown]) => value);
  });
}
