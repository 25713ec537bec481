/** What a machine gets when it has registered: the registration's cloud config and where to go on from there. */
import { goJson } from "../rancherd/index.ts";

type Json = Readonly<Record<string, unknown>>;

function isMap(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function merge(base: Json, over: Json): Json {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const old = Object.hasOwn(base, key) ? base[key] : undefined;
    merged[key] = isMap(old) && isMap(value) ? merge(old, value) : value;
  }
  return merged;
}

/**
 * The config as data.
 * @param serverUrl  base address that rancherd asks for its inventory
 */
export function installConfigData(cloudConfig: Json | null | undefined, serverUrl: string): Json {
  const added = {
    rancherd: { server: serverUrl, token: "tpm://" },
    rancheros: { install: { automatic: true } },
  };
  return merge(cloudConfig ?? {}, added);
}

/**
 * The message that ends a registration: one JSON object and a newline.
 * @param serverUrl  base address that rancherd asks for its inventory
 * Source: rancher/os2 pkg/server/register.go
 */
export function installConfig(cloudConfig: Json | null | undefined, serverUrl: string): string {
  return goJson(installConfigData(cloudConfig, serverUrl));
}
