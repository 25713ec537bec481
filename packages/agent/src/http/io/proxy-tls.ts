/** Proxies that are spoken to over TLS: by which CAs they are known, and whose fault it is where that fails. */
import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { getCACertificates, setDefaultCACertificates } from "node:tls";

import { systemBundles } from "../system-bundles.ts";

/** A bundle of every public CA has 220 KiB. */
const MAX_BYTES = 4 * 1024 * 1024;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Node's own and those that it has found with the system, which it looks for once: some 200 ms. */
let found: readonly string[] | undefined;
/** Which state of the system's bundle has been read besides. */
let readState: string | undefined;

/**
 * Node verifies a proxy by its default CAs alone, whatever is given for the server behind it. Those of the system are made part
 * of them, as a company's own is there; a connection that names its CAs is none the wiser. What comes to the system's bundle
 * later is seen at the next connection that is made ready.
 */
export function trustProxy(proxy: URL | undefined): void {
  if (proxy?.protocol !== "https:") return;
  const bundle = findBundle();
  if (found !== undefined && bundle?.state === readState) return;
  found ??= [...getCACertificates("default"), ...getCACertificates("system")];
  setDefaultCACertificates([...new Set([...found, ...(bundle === undefined ? [] : readCas(bundle.path))])]);
  readState = bundle?.state;
}

function findBundle(): { readonly path: string; readonly state: string } | undefined {
  for (const path of systemBundles(process.env["SSL_CERT_FILE"])) {
    try {
      const { dev, ino, size, mtimeMs } = statSync(path);
      if (size > 0 && size <= MAX_BYTES) return { path, state: `${path} ${dev} ${ino} ${size} ${mtimeMs}` };
    } catch {
      // Another system has it elsewhere.
    }
  }
  return undefined;
}

/** One that is broken must not keep the others from being trusted. */
function readCas(path: string): readonly string[] {
  let text: string;
  try {
    text = readFileSync(path, "latin1");
  } catch {
    return [];
  }
  return certificatesIn(text);
}

function certificatesIn(text: string): readonly string[] {
  return (text.match(CERTIFICATE) ?? []).filter((pem) => {
    try {
      return new X509Certificate(pem).raw.length > 0;
    } catch {
      return false;
    }
  });
}

/**
 * What Node begins within takes more CAs for the proxy, and nothing that is begun later does: it reads the default ones in
 * the very moment in which a connection begins, and takes none for a proxy in particular.
 * @param pem    certificates; undefined for none
 * @param begin  begins the connection before it returns
 */
export function withProxyCas<T>(pem: string | undefined, begin: () => T): T {
  if (pem === undefined) return begin();
  const usual = getCACertificates("default");
  setDefaultCACertificates([...new Set([...usual, ...certificatesIn(pem)])]);
  try {
    return begin();
  } finally {
    setDefaultCACertificates(usual);
  }
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
