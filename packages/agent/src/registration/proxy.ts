/** Which proxy leads to a server, by the usual variables, in the way that Go programs such as rancherd read them. */
import { BlockList, isIP } from "node:net";

import { RegistrationError } from "./errors.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @returns the proxy's address, `undefined` for a direct connection
 * @throws RegistrationError REGISTRATION_PROXY_INVALID
 * Source: golang.org/x/net/http/httpproxy: capital names first, no proxy to localhost, NO_PROXY with names, addresses,
 *         ranges and ports
 */
export function chooseProxy(url: URL, environment: Environment): URL | undefined {
  const name = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const value = either(environment, name);
  if (value === "" || isExempt(url, either(environment, "NO_PROXY"))) return undefined;
  const proxy = URL.parse(value.includes("://") ? value : `http://${value}`);
  if (proxy === null || (proxy.protocol !== "http:" && proxy.protocol !== "https:")) {
    // The value may hold a password, so it is not shown.
    throw new RegistrationError("REGISTRATION_PROXY_INVALID", `${name} is not the address of an HTTP proxy`);
  }
  return proxy;
}

function either(environment: Environment, name: string): string {
  return (environment[name] ?? environment[name.toLowerCase()] ?? "").trim();
}

function isExempt(url: URL, noProxy: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  if (host === "localhost" || isLoopback(host)) return true;
  return noProxy
    .toLowerCase()
    .split(",")
    .map((entry) => entry.trim())
    .some((entry) => entry !== "" && matches(entry, host, port));
}

function isLoopback(host: string): boolean {
  return host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === "*") return true;
  if (entry.includes("/")) return isIP(host) !== 0 && isInRange(host, entry);
  const { name, entryPort } = splitPort(entry);
  if (entryPort !== undefined && entryPort !== port) return false;
  if (isIP(name) !== 0) return name === host;
  const suffix = name.replace(/^\*?\./, "");
  const dotOnly = name !== suffix;
  return host.endsWith(`.${suffix}`) || (!dotOnly && host === suffix);
}

function splitPort(entry: string): { readonly name: string; readonly entryPort: string | undefined } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(entry);
  const name = (match?.[1] ?? match?.[2] ?? entry).replace(/^\[|\]$/g, "");
  return { name, entryPort: match?.[3] };
}

function isInRange(address: string, range: string): boolean {
  const [network = "", bits = ""] = range.split("/");
  const family = isIP(network) === 6 ? "ipv6" : "ipv4";
  const prefix = Number(bits);
  if (isIP(network) === 0 || !/^\d{1,3}$/.test(bits) || prefix > (family === "ipv6" ? 128 : 32)) return false;
  const list = new BlockList();
  list.addSubnet(network, prefix, family);
  return list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}
