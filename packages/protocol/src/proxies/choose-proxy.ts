/** The variables HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in the way that Go programs such as rancherd and containerd read them. */
import { BlockList, isIP } from "node:net";

export type ProxyEnvironment = Readonly<Record<string, string | undefined>>;

export type ProxyChoice =
  | { readonly kind: "direct" }
  | { readonly kind: "proxy"; readonly proxy: URL }
  /** The variable holds no address of an HTTP proxy; what it holds is not shown, it may be a password. */
  | { readonly kind: "invalid"; readonly variable: "HTTPS_PROXY" | "HTTP_PROXY" };

const DIRECT: ProxyChoice = { kind: "direct" };

/**
 * Source: golang.org/x/net/http/httpproxy up to 0.57: capital names first, the first that is not empty, no proxy to
 *         localhost, NO_PROXY with names, addresses, ranges and ports
 */
export function chooseProxy(url: URL, environment: ProxyEnvironment): ProxyChoice {
  const variable = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const value = either(environment, variable);
  if (value === "" || isExempt(url, either(environment, "NO_PROXY"))) return DIRECT;
  const proxy = URL.parse(value.includes("://") ? value : `http://${value}`);
  return proxy !== null && isUsable(proxy) ? { kind: "proxy", proxy } : { kind: "invalid", variable };
}

/** A variable that is set and empty hides nothing. */
function either(environment: ProxyEnvironment, name: string): string {
  const spellings = [name, name.toLowerCase()].map((spelling) => (environment[spelling] ?? "").trim());
  return spellings.find((value) => value !== "") ?? "";
}

function isUsable(proxy: URL): boolean {
  const isHttp = proxy.protocol === "http:" || proxy.protocol === "https:";
  return isHttp && hasSoundAccount(proxy);
}

/** Whether each % in name and password begins an escape: clients decode them, and break down over one that does not. */
export function hasSoundAccount({ username, password }: URL): boolean {
  return isEscaped(username) && isEscaped(password);
}

function isEscaped(part: string): boolean {
  try {
    decodeURIComponent(part);
    return true;
  } catch {
    return false;
  }
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
