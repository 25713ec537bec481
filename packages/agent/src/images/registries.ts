/** Mirrors, CAs and credentials of registries, as k3s and rke2 have them in registries.yaml. */
import { isRegistryHost } from "@rancheros/protocol/images";
import { parse } from "yaml";

import { ImagePullError } from "./errors.ts";

export interface RegistryAccount {
  readonly username: string;
  readonly password: string;
}

export interface RegistryTls {
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly skipVerify: boolean;
}

export interface Mirror {
  readonly endpoints: readonly URL[];
  /** Replaces a part of the repository's name at the mirrors. */
  readonly rewrites: readonly (readonly [pattern: RegExp, replacement: string])[];
}

export interface Registries {
  /** By the host of references; `*` for all that have none of their own. */
  readonly mirrors: ReadonlyMap<string, Mirror>;
  /** By host and port. */
  readonly configs: ReadonlyMap<string, { readonly account: RegistryAccount | undefined; readonly tls: RegistryTls }>;
}

export const NO_REGISTRIES: Registries = { mirrors: new Map(), configs: new Map() };
export const NO_TLS: RegistryTls = { caFile: undefined, certFile: undefined, keyFile: undefined, skipVerify: false };

type Fields = Readonly<Record<string, unknown>>;
const MAX_ENTRIES = 500;

/**
 * @param text  of the file
 * @throws ImagePullError IMAGE_REGISTRIES_INVALID that names every bad field; no value is shown, some are passwords
 * Source: docs.k3s.io "Private Registry Configuration"
 */
export function parseRegistries(text: string): Registries {
  let document: unknown;
  try {
    document = parse(text, { maxAliasCount: 100, logLevel: "error" });
  } catch {
    // The parser's own message would show a part of the file.
    throw invalid(["it is not YAML"]);
  }
  const problems: string[] = [];
  const top = fields(document ?? {}, "the file", problems);
  const mirrors = entries(top["mirrors"], "mirrors", problems).flatMap(([host, value]) => {
    if (host !== "*" && !isRegistryHost(host)) problems.push(`mirrors.${quoted(host)}: is no host`);
    return [[host, mirror(value, `mirrors.${quoted(host)}`, problems)] as const];
  });
  const configs = entries(top["configs"], "configs", problems).map(([host, value]) => {
    const name = `configs.${quoted(host)}`;
    const config = fields(value ?? {}, name, problems);
    return [
      host,
      { account: account(config["auth"], `${name}.auth`, problems), tls: tls(config["tls"], `${name}.tls`, problems) },
    ] as const;
  });
  if (problems.length > 0) throw invalid(problems);
  return { mirrors: new Map(mirrors), configs: new Map(configs) };
}

function mirror(value: unknown, name: string, problems: string[]): Mirror {
  const told = fields(value ?? {}, name, problems);
  const list = told["endpoint"] ?? [];
  const endpoints = Array.isArray(list) ? list.slice(0, MAX_ENTRIES) : [];
  if (!Array.isArray(list)) problems.push(`${name}.endpoint: is not a list`);
  return {
    endpoints: endpoints.flatMap((one: unknown, at) => {
      const written = typeof one === "string" ? one : "";
      const url = URL.parse(written.includes("://") ? written : `https://${written}`);
      const good = url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "";
      if (!good) problems.push(`${name}.endpoint[${at}]: is not the URL of a registry`);
      return good ? [url] : [];
    }),
    rewrites: entries(told["rewrite"], `${name}.rewrite`, problems).flatMap(([pattern, replacement]) => {
      const compiled = regularExpression(pattern);
      if (compiled === undefined || typeof replacement !== "string") {
        problems.push(`${name}.rewrite: has a pattern that is no regular expression, or no replacement`);
        return [];
      }
      return [[compiled, replacement] as const];
    }),
  };
}

/** Go's and JavaScript's agree in all that repository names need. */
function regularExpression(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern, "g");
  } catch {
    return undefined;
  }
}

function account(value: unknown, name: string, problems: string[]): RegistryAccount | undefined {
  if (value === undefined || value === null) return undefined;
  const told = fields(value, name, problems);
  const [username, password, auth] = ["username", "password", "auth"].map((field) => {
    const one = told[field];
    if (one !== undefined && one !== null && typeof one !== "string") problems.push(`${name}.${field}: is no text`);
    return typeof one === "string" && one !== "" ? one : undefined;
  });
  if (username !== undefined && password !== undefined) return { username, password };
  const decoded = auth === undefined ? "" : Buffer.from(auth, "base64").toString("utf8");
  const colon = decoded.indexOf(":");
  if (colon > 0) return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
  problems.push(`${name}: has neither username and password nor auth`);
  return undefined;
}

function tls(value: unknown, name: string, problems: string[]): RegistryTls {
  if (value === undefined || value === null) return NO_TLS;
  const told = fields(value, name, problems);
  const [caFile, certFile, keyFile] = ["ca_file", "cert_file", "key_file"].map((field) => {
    const one = told[field];
    if (one !== undefined && one !== null && typeof one !== "string") problems.push(`${name}.${field}: is no path`);
    return typeof one === "string" && one !== "" ? one : undefined;
  });
  const skip = told["insecure_skip_verify"] ?? false;
  if (typeof skip !== "boolean") problems.push(`${name}.insecure_skip_verify: is neither true nor false`);
  return { caFile, certFile, keyFile, skipVerify: skip === true };
}

function entries(value: unknown, name: string, problems: string[]): readonly (readonly [string, unknown])[] {
  if (value === undefined || value === null) return [];
  const all = Object.entries(fields(value, name, problems));
  if (all.length > MAX_ENTRIES) problems.push(`${name}: has more than ${MAX_ENTRIES} entries`);
  return all.slice(0, MAX_ENTRIES);
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fields(value: unknown, name: string, problems: string[]): Fields {
  if (isFields(value)) return value;
  problems.push(`${name}: is not a table of names and values`);
  return {};
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}

function invalid(problems: readonly string[]): ImagePullError {
  const told = problems.slice(0, 20).join("; ");
  return new ImagePullError("IMAGE_REGISTRIES_INVALID", `registries.yaml: ${told}`, { details: { problems: told } });
}
