/** From the texts of --registry-mirror and --insecure-registry to what the operator does about them. */
import { isRegistryHost } from "@rancheros/protocol/images";
import type { RegistrySettings } from "../registry/index.ts";

const ANY_HOST = "*";
const NO_UPSTREAM = "none";
const MAX_MIRRORS = 8;

/**
 * @param mirrors   each `HOST=URL`, or `HOST=none` where the registry itself is not to be asked
 * @param insecure  each a host, with its port
 * @param problem   told of each value that cannot be, with the flag
 */
export function readRegistrySettings(
  mirrors: readonly string[],
  insecure: readonly string[],
  problem: (text: string) => void,
): RegistrySettings {
  const found = new Map<string, { urls: URL[]; upstream: boolean }>();
  for (const text of mirrors) {
    const mirror = readMirror(text);
    if (typeof mirror === "string") {
      problem(`--registry-mirror: ${JSON.stringify(text)} ${mirror}`);
      continue;
    }
    const entry = found.get(mirror.host) ?? { urls: [], upstream: true };
    found.set(mirror.host, entry);
    if (mirror.url === undefined) entry.upstream = false;
    else entry.urls.push(mirror.url);
  }
  for (const [host, { urls, upstream }] of found) {
    if (urls.length > MAX_MIRRORS) problem(`--registry-mirror: ${host} has more than ${MAX_MIRRORS} mirrors`);
    if (urls.length === 0 && !upstream)
      problem(`--registry-mirror: ${host} has no mirror, but is not to be asked itself`);
  }
  for (const host of insecure) {
    if (!isRegistryHost(host)) problem(`--insecure-registry: ${JSON.stringify(host)} is no HOST or HOST:PORT`);
  }
  return { mirrors: found, insecureHosts: new Set(insecure.filter(isRegistryHost)) };
}

/** @returns words for what is wrong, where something is */
function readMirror(text: string): { readonly host: string; readonly url: URL | undefined } | string {
  const equals = text.indexOf("=");
  if (equals === -1) return "is not HOST=URL";
  const [host, value] = [text.slice(0, equals), text.slice(equals + 1)];
  if (host !== ANY_HOST && !isRegistryHost(host)) return "has no host of a registry before the equals sign";
  if (value === NO_UPSTREAM) return { host, url: undefined };
  const url = URL.parse(value);
  if (url === null || !/^https?:$/.test(url.protocol)) return "has no http or https address behind the equals sign";
  if (url.username !== "" || url.password !== "") return "has credentials in it: they belong into a pull secret";
  if (url.search !== "" || url.hash !== "") return "has a question mark or a hash sign in its address";
  return { host, url };
}
