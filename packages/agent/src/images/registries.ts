/** Mirrors, CAs and credentials of registries, as k3s and rke2 have them in registries.yaml. */
import { isRegistryHost } from "@rancheros/protocol/images";
import { parse } from "yaml";

import { ImagePullError } from "./errors.ts";
import { toldAccount, type ToldAccount } from "./registry-account.ts";
import { rewriteOf, type Rewrite } from "./rewrite-name.ts";

export type { RegistryAccount } from "./registry-account.ts";

export interface RegistryTls {
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly skipVerify: boolean;
}

export interface MirrorEndpoint {
  readonly url: URL;
  /** As somebody has written it: a URL has neither capitals in it nor the port that its scheme means anyway. */
  readonly host: string;
}

export interface Mirror {
  readonly endpoints: readonly MirrorEndpoint[];
  /** Of the repository's name at the mirrors. */
  readonly rewrites: readonly Rewrite[];
}

export interface RegistryConfig extends ToldAccount {
  readonly tls: RegistryTls;
}

export interface Registries {
  /** By the host of references; `*` for all that have none of their own. */
  readonly mirrors: ReadonlyMap<string, Mirror>;
  /** By host and port; `*` for all that have none of their own. */
  readonly configs: ReadonlyMap<string, RegistryConfig>;
}

export const NO_REGISTRIES: Registries = { mirrors: new Map(), configs: new Map() };
export const NO_TLS: RegistryTls = { caFile: undefined, certFile: undefined, keyFile: undefined, skipVerify: false };

type Fields = Readonly<Record<string, unknown>>;
const MAX_ENTRIES = 500;

/**
 * @param text  of the file
 * @param file  for errors
 * @throws ImagePullError IMAGE_REGISTRIES_INVALID that names every bad field; no value is shown, some are passwords
 * Source: docs.k3s.io "Private Registry Configuration"
 */
export function parseRegistries(text: string, file = "registries.yaml"): Registries {
  let [document, written]: [unknown, unknown] = [undefined, undefined];
  try {
    document = parse(text, { maxAliasCount: 100, logLevel: "error" });
    written = parse(text, { maxAliasCount: 100, logLevel: "silent", schema: "failsafe" });
  } catch {
    // The parser's own message would show a part of the file.
    throw invalid(file, ["it is not YAML"]);
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
    const auth = ["configs", host, "auth"].reduce<unknown>((at, key) => (isFields(at) ? at[key] : undefined), written);
    const told = account(config["auth"], auth, `${name}.auth`, problems);
    return [host, { ...told, tls: tls(config["tls"], `${name}.tls`, problems) }] as const;
  });
  if (problems.length > 0) throw invalid(file, problems);
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
      const whole = written.includes("://") ? written : `https://${written}`;
      const url = URL.parse(whole);
      const good = url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "";
      if (!good) problems.push(`${name}.endpoint[${at}]: is not the URL of a registry`);
      return good ? [{ url, host: /^[^:]*:\/\/([^/?#]*)/.exec(whole)?.[1] ?? url.host }] : [];
    }),
    rewrites: entries(told["rewrite"], `${name}.rewrite`, problems).flatMap(([pattern, replacement]) => {
      const rewrite = typeof replacement === "string" ? rewriteOf(pattern, replacement) : undefined;
      if (rewrite === undefined) {
        problems.push(`${name}.rewrite: has a pattern that is no regular expression, or no replacement`);
        return [];
      }
      return [rewrite];
    }),
  };
}

/** @param written  the same with all values as texts: a password of digits only is one, and may begin with zeros */
function account(value: unknown, written: unknown, name: string, problems: string[]): ToldAccount {
  if (value === undefined || value === null) return { account: undefined };
  const told = fields(value, name, problems);
  const text = (field: string): string | undefined => {
    const one = told[field];
    if (one === undefined || one === null || one === "") return undefined;
    const asText = isFields(written) ? written[field] : undefined;
    if (typeof one !== "object" && typeof asText === "string") return asText;
    problems.push(`${name}.${field}: is no text`);
    return undefined;
  };
  const [username, password, auth, identityToken] = ["username", "password", "auth", "identity_token"].map(text);
  const whole = toldAccount({ username, password, auth, identityToken });
  if (whole === undefined) problems.push(`${name}: has neither username and password nor auth`);
  return whole ?? { account: undefined };
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

function invalid(file: string, problems: readonly string[]): ImagePullError {
  const told = problems.slice(0, 20).join("; ");
  return new ImagePullError("IMAGE_REGISTRIES_INVALID", `${file}: ${told}`, { details: { problems: told } });
}
