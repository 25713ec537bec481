/** The templates in a file that somebody wrote for `kubectl apply`, or in a part of it. */
import { isJsonObject } from "@rancheros/protocol/messages";
import type { Templates } from "@rancheros/protocol/templates";
import { parse } from "yaml";

import { CliError } from "./errors.ts";

/** As with cloud-configs: a few hundred aliases can blow up to gigabytes. */
const MAX_ALIASES = 50;
const KIND = "MachineRegistration";

/**
 * @param text  YAML: a MachineRegistration, a list of one, or what stands in its spec
 * @param path  for errors
 * @throws CliError CLI_USAGE that names every bad field
 */
export function registrationTemplates(text: string, path: string): Templates {
  const document = parseYaml(text, path);
  const registration = registrationIn(document, path);
  const spec = isJsonObject(registration) && "spec" in registration ? registration["spec"] : registration;
  if (!isJsonObject(spec)) throw bad(path, ["it holds no map"]);
  const problems: string[] = [];
  const { machineName } = spec;
  if (machineName !== undefined && typeof machineName !== "string") problems.push("machineName is no text");
  const machineInventoryLabels = texts(spec, "machineInventoryLabels", problems);
  const machineInventoryAnnotations = texts(spec, "machineInventoryAnnotations", problems);
  const cloudConfig = spec["cloudConfig"] ?? {};
  if (!isJsonObject(cloudConfig)) problems.push("cloudConfig is no map");
  if (problems.length > 0) throw bad(path, problems);
  return {
    ...(typeof machineName === "string" ? { machineName } : {}),
    machineInventoryLabels,
    machineInventoryAnnotations,
    // Nothing else in it is a template, and it may hold secrets.
    ...(isJsonObject(cloudConfig) && "hostname" in cloudConfig
      ? { cloudConfig: { hostname: cloudConfig["hostname"] } }
      : {}),
  };
}

/** What says of itself what it is has to be a registration, or a list of one, as `kubectl get` prints it. */
function registrationIn(document: unknown, path: string): unknown {
  if (!isJsonObject(document) || !("kind" in document)) return document;
  const { kind, items } = document;
  if (kind === KIND) return document;
  if (kind !== "List" && kind !== `${KIND}List`) throw bad(path, [`its kind is ${shown(kind)} and not ${KIND}`]);
  const list: readonly unknown[] = Array.isArray(items) ? items : [];
  const [only, ...others] = list;
  if (only === undefined || others.length > 0)
    throw bad(path, [`it is a list of ${list.length}: one ${KIND} is wanted`]);
  const inner = isJsonObject(only) ? only["kind"] : undefined;
  if (inner !== KIND) throw bad(path, [`it is a list of a thing whose kind is ${shown(inner)} and not ${KIND}`]);
  return only;
}

function shown(kind: unknown): string {
  return typeof kind === "string" ? kind.replaceAll(/[^\w.-]/g, "?").slice(0, 60) : "no text";
}

function texts(spec: Readonly<Record<string, unknown>>, field: string, problems: string[]): Record<string, string> {
  const value = spec[field] ?? {};
  if (!isJsonObject(value)) {
    problems.push(`${field} is no map`);
    return {};
  }
  const entries = Object.entries(value).filter((entry): entry is [string, string] => {
    const isText = typeof entry[1] === "string";
    if (!isText) problems.push(`${field}.${entry[0]} is no text`);
    return isText;
  });
  return Object.fromEntries(entries);
}

function parseYaml(text: string, path: string): unknown {
  try {
    const document: unknown = parse(text, { maxAliasCount: MAX_ALIASES, logLevel: "error" });
    return document;
  } catch {
    throw bad(path, ["it is not YAML"]);
  }
}

function bad(path: string, problems: readonly string[]): CliError {
  return new CliError("CLI_USAGE", `the file ${path} cannot be used: ${problems.join("; ")}`, {
    mend: "Give a MachineRegistration as YAML, or machineName, machineInventoryLabels and machineInventoryAnnotations.",
  });
}
