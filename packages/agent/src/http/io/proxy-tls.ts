/** Proxies that are spoken to over TLS: by which CAs they are known, and whose fault it is where that fails. */
import { getCACertificates, setDefaultCACertificates } from "node:tls";

let isSystemTrusted = false;

/**
 * Node verifies a proxy by its default CAs alone, whatever is given for the server behind it. Those of the system are made part
 * of them, as a company's own is there; a connection that names its CAs is none the wiser. Some 200 ms, once.
 */
export function trustProxy(proxy: URL | undefined): void {
  if (proxy?.protocol !== "https:" || isSystemTrusted) return;
  setDefaultCACertificates([...getCACertificates("default"), ...getCACertificates("system")]);
  isSystemTrusted = true;
}

const proxyErrors = new WeakSet<Error>();

/** Notes that a connection broke before the proxy was asked for the server. */
export function noteProxyError(error: Error): void {
  proxyErrors.add(error);
}

/** Whether the proxy is to blame for it, where Node's own words leave open whose certificate it was. */
export function isProxyError(error: unknown): boolean {
  return error instanceof Error && proxyErrors.has(error);
}
