/** What a machine gets when it has registered: the registration's cloud config and where to go on from there. */
import { hostName, isHostNameTemplate, type NamedMachine } from "@rancheros/protocol/templates";
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

/** Whether what a machine gets depends on its inventory. */
export function isForEachMachine(cloudConfig: Json | null | undefined): boolean {
  return isHostNameTemplate(cloudConfig?.["hostname"]);
}

/** All that is no template stays as it is. */
function filledIn(cloudConfig: Json, machine: NamedMachine): Json {
  const template = cloudConfig["hostname"];
  return isHostNameTemplate(template) ? { ...cloudConfig, hostname: hostName(template, machine).value } : cloudConfig;
}

/**
 * The config as data.
 * @param serverUrl  base address that rancherd asks for its inventory
 * @param machine    as its inventory has it, so that it is told the same at each visit
 */
export function installConfigData(
  cloudConfig: Json | null | undefined,
  serverUrl: string,
  machine: NamedMachine,
): Json {
  const added = {
    rancherd: { server: serverUrl, token: "tpm://" },
    rancheros: { install: { automatic: true } },
  };
  return merge(filledIn(cloudConfig ?? {}, machine), added);
}

/**
 * The message that ends a registration: one JSON object and a newline.
 * The parameters are those of installConfigData.
 * Source: rancher/os2 pkg/server/register.go; that `hostname` may be a template is ours
 */
export function installConfig(...config: Parameters<typeof installConfigData>): string {
  return goJson(installConfigData(...config));
}
