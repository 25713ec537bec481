/** The templates in a file that somebody wrote for `kubectl apply`, or in a part of it. */
import { closest } from "@rancheros/agent/spelling";
import { isJsonObject } from "@rancheros/protocol/messages";
import { machineRegistration } from "@rancheros/protocol/resources";
import { textsOf, type Templates } from "@rancheros/protocol/templates";
import { parse } from "yaml";

import { CliError } from "./errors.ts";

/** As with cloud-configs: a few hundred aliases can blow up to gigabytes. */
const MAX_ALIASES = 50;
const KIND = machineRegistration.kind;
const OBJECT_KEYS: readonly string[] = ["apiVersion", "kind", "metadata", "spec", "status"];
const SPEC_KEYS: readonly string[] = Object.keys(machineRegistration.spec.properties);
/** A file of another thing has many. */
const MAX_REMARKS = 8;

/**
 * @param text  YAML: a MachineRegistration, a list of one, or what stands in its spec
 * @param path    for errors
 * @param remark  told of each key that no MachineRegistration has, which is left out: a newer one may have it
 * @throws CliError CLI_USAGE that names every bad field
 */
export function registrationTemplates(
  text: string,
  path: string,
  remark: (sentence: string) => void = () => undefined,
): Templates {
  const document = parseYaml(text, path);
  const registration = registrationIn(document, path);
  const spec = specOf(registration);
  if (!isJsonObject(spec)) throw bad(path, ["it holds no map"]);
  const unknown = [
    ...(spec === registration ? [] : unknownKeys(registration, "", OBJECT_KEYS)),
    ...unknownKeys(spec, "spec.", SPEC_KEYS),
  ];
  for (const sentence of unknown.slice(0, MAX_REMARKS)) remark(sentence);
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

/** A MachineRegistration may be without one; what does not say what it is is a spec itself. */
function specOf(registration: unknown): unknown {
  if (!isJsonObject(registration)) return registration;
  if ("spec" in registration) return registration["spec"];
  return "kind" in registration ? {} : registration;
}

function unknownKeys(map: unknown, above: string, known: readonly string[]): readonly string[] {
  if (!isJsonObject(map)) return [];
  return Object.keys(map)
    .filter((key) => !known.includes(key))
    .map((key) => {
      const short = key.slice(0, 60);
      const meant = closest(short, known);
      const hint = meant === undefined ? "" : `: did you mean ${meant}?`;
      return `${above}${short.replaceAll(/\p{Cc}/gu, ".")} is no field of a ${KIND} and is left out${hint}`;
    });
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

function texts(
  spec: Readonly<Record<string, unknown>>,
  field: string,
  problems: string[],
): Readonly<Record<string, string>> {
  const value = spec[field] ?? {};
  if (!isJsonObject(value)) {
    problems.push(`${field} is no map`);
    return {};
  }
  const entries = Object.entries(value).filter((entry): entry is [string, string | null] => {
    const isText = entry[1] === null || typeof entry[1] === "string";
    if (!isText) problems.push(`${field}.${entry[0]} is no text`);
    return isText;
  });
  return textsOf(Object.fromEntries(entries));
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
