/**
 * The command line of `ros-agent run` without oclif, whose parser a service that stays would keep in memory. It takes what is
 * plain and right; all else, such as a mistake that has to be told, is left to oclif. A test holds both against each other.
 */
import { parseArgs, type ParseArgsConfig } from "node:util";

import type { RunFlagValues } from "./run-service.ts";

export interface RunArguments {
  readonly url: string | undefined;
  readonly flags: RunFlagValues;
}

const BOOLEANS = ["without-operator", "allow-http", "no-smbios", "without-ek-certificate", "json"] as const;
const TEXTS = {
  config: undefined,
  "ca-cert": undefined,
  "ca-sha256": undefined,
  "smbios-dump": undefined,
  timeout: "30s",
  tcti: undefined,
  "state-folder": "/var/lib/rancheros",
  "run-folder": "/run/rancheros",
  "host-root": "/",
  kubeconfig: undefined,
  "runtime-socket": undefined,
  registries: undefined,
  "pull-rate": undefined,
  "check-timeout": "1m",
} as const;
const CHOICES = {
  ek: ["rsa2048", "rsa3072", "ecc-p256"],
  runtime: ["containerd", "nerdctl", "podman", "docker"],
} as const;
const LISTS = ["label", "annotation"] as const;
/** Which do not go together, as the flags of the command say. */
const EXCLUSIVE = [
  ["without-operator", "config"],
  ["without-operator", "ca-cert"],
  ["without-operator", "ca-sha256"],
  ["ca-cert", "ca-sha256"],
  ["smbios-dump", "no-smbios"],
] as const;

const OPTIONS: NonNullable<ParseArgsConfig["options"]> = Object.fromEntries<{
  type: "boolean" | "string";
  multiple?: true;
}>([
  ...BOOLEANS.map((name) => [name, { type: "boolean" }] as const),
  ...[...Object.keys(TEXTS), ...Object.keys(CHOICES)].map((name) => [name, { type: "string" }] as const),
  ...LISTS.map((name) => [name, { type: "string", multiple: true }] as const),
]);

/** @returns undefined for everything that is not plain */
export function runArguments(args: readonly string[]): RunArguments | undefined {
  // What may be meant in two ways is oclif's to take or to explain.
  if (args.some((arg) => /^-*$|^--[^=]*=(?:-|$)/.test(arg))) return undefined;
  const parsed = parsedArgs(args);
  if (parsed === undefined) return undefined;
  const { values, positionals } = parsed;
  const given = args.flatMap((arg) => /^--([^=]+)/.exec(arg)?.[1] ?? []);
  if (given.some((name, at) => !isList(name) && given.indexOf(name) !== at)) return undefined;
  if (positionals.length > 1 || EXCLUSIVE.some((pair) => pair.every((name) => values[name] !== undefined))) {
    return undefined;
  }
  const text = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === "string" ? value : undefined;
  };
  const list = (name: string): string[] | undefined => {
    const value = values[name];
    return Array.isArray(value) ? value.filter((one) => typeof one === "string") : undefined;
  };
  const ek = CHOICES.ek.find((one) => one === text("ek"));
  const runtime = CHOICES.runtime.find((one) => one === text("runtime"));
  if (ek !== text("ek") || runtime !== text("runtime")) return undefined;
  return {
    url: positionals[0],
    flags: {
      "without-operator": values["without-operator"] === true,
      "allow-http": values["allow-http"] === true,
      "no-smbios": values["no-smbios"] === true,
      "without-ek-certificate": values["without-ek-certificate"] === true,
      config: text("config"),
      "ca-cert": text("ca-cert"),
      "ca-sha256": text("ca-sha256"),
      "smbios-dump": text("smbios-dump"),
      timeout: text("timeout") ?? TEXTS.timeout,
      tcti: text("tcti"),
      "state-folder": text("state-folder") ?? TEXTS["state-folder"],
      "run-folder": text("run-folder") ?? TEXTS["run-folder"],
      "host-root": text("host-root") ?? TEXTS["host-root"],
      kubeconfig: text("kubeconfig"),
      "runtime-socket": text("runtime-socket"),
      registries: text("registries"),
      "pull-rate": text("pull-rate"),
      "check-timeout": text("check-timeout") ?? TEXTS["check-timeout"],
      ek,
      runtime,
      label: list("label"),
      annotation: list("annotation"),
    },
  };
}

function isList(name: string): boolean {
  return LISTS.some((one) => one === name);
}

function parsedArgs(args: readonly string[]): ReturnType<typeof parseArgs> | undefined {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, strict: true });
  } catch {
    return undefined;
  }
}
