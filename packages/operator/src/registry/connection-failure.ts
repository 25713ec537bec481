/** From what Node and undici say about a broken connection to what a person can act on. */
import { systemCode, unnamedDistrust } from "@rancheros/protocol/errors";
import { RegistryError } from "./errors.ts";

/** Whom a request was meant for. */
export interface RegistryPeer {
  readonly url: URL;
  readonly proxy: URL | undefined;
  readonly signal: AbortSignal | undefined;
}

const SENTENCES: Readonly<Record<string, string>> = {
  ENOTFOUND: "the operator's name servers do not know this name",
  EAI_AGAIN: "the operator's name servers do not answer",
  ECONNREFUSED: "nothing listens there: the connection was refused",
  EHOSTUNREACH: "there is no route to it",
  ENETUNREACH: "there is no route to it",
  ECONNRESET: "it broke the connection",
  EPIPE: "it broke the connection",
  UND_ERR_SOCKET: "it broke the connection",
};

const TIMEOUTS: ReadonlySet<string> = new Set([
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
]);

/** OpenSSL's verification results by Node's names for them (node:tls, X509 certificate error codes). */
const DISTRUST: Readonly<Record<string, string>> = {
  UNABLE_TO_GET_ISSUER_CERT: "its certificate comes from a CA that the operator does not know",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate comes from a CA that the operator does not know",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate comes from a CA that the operator does not know",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is signed by itself",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate comes from a CA that the operator does not know",
  CERT_SIGNATURE_FAILURE: "its certificate was not signed by the CA that it names",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  HOSTNAME_MISMATCH: "its certificate is for another name",
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not valid yet: compare the clocks",
  CERT_CHAIN_TOO_LONG: "its certificate is not acceptable",
  CERT_REVOKED: "its certificate was revoked",
  CERT_UNTRUSTED: "its certificate is not acceptable",
  CERT_REJECTED: "its certificate is not acceptable",
  INVALID_CA: "its certificate comes from one that is no CA",
  INVALID_PURPOSE: "its certificate is not for servers",
  PATH_LENGTH_EXCEEDED: "its certificate is not acceptable",
};

/** @param cause  thrown by undici; what is a RegistryError already is given back as it is */
export function connectionFailure(cause: unknown, peer: RegistryPeer): RegistryError {
  if (cause instanceof RegistryError) return cause;
  const { host } = peer.url;
  if (peer.signal?.aborted === true)
    return new RegistryError("REGISTRY_INTERRUPTED", `${host}: was not waited for`, { cause });
  const root = rootOf(cause);
  const code = systemCode(root);
  const details = { host, ...(code === "" ? {} : { error: code }) };
  if (TIMEOUTS.has(code) || (cause instanceof Error && cause.name === "TimeoutError")) {
    return new RegistryError("REGISTRY_TIMEOUT", `${host}: did not answer in time`, { cause, details });
  }
  const unnamed = unnamedDistrust(root);
  const distrust = unnamed === undefined ? DISTRUST[code] : `its certificate is not acceptable: ${unnamed}`;
  if (distrust !== undefined)
    return new RegistryError("REGISTRY_UNTRUSTED", `${host}: ${distrust}`, { cause, details });
  if (code === "EPROTO" || code.startsWith("ERR_SSL_")) {
    const mend = `If ${host} speaks plain HTTP on purpose, name it with --insecure-registry.`;
    return new RegistryError("REGISTRY_NONSENSE", `${host}: does not speak TLS as it should`, { cause, details, mend });
  }
  // undici's parser gives its errors a code for some troubles only.
  if (code.startsWith("HPE_") || (cause instanceof Error && cause.name === "HTTPParserError")) {
    return new RegistryError("REGISTRY_NONSENSE", `${host}: does not speak HTTP as it should`, { cause, details });
  }
  return unreachable(cause, code, peer, details);
}

function unreachable(
  cause: unknown,
  code: string,
  peer: RegistryPeer,
  details: Readonly<Record<string, string>>,
): RegistryError {
  const { host } = peer.url;
  // The proxy's URL may hold a password, its host does not.
  const status = cause instanceof Error ? /^Proxy response \((\d{3})\)/.exec(cause.message)?.[1] : undefined;
  if (peer.proxy !== undefined && status !== undefined) {
    const message = `${host}: the proxy ${peer.proxy.host} does not let the operator through (HTTP ${status})`;
    return new RegistryError("REGISTRY_UNREACHABLE", message, {
      cause,
      details: { ...details, proxy: peer.proxy.host },
    });
  }
  const sentence = SENTENCES[code] ?? "the connection failed";
  const through = peer.proxy === undefined ? "" : `through the proxy ${peer.proxy.host}: `;
  return new RegistryError("REGISTRY_UNREACHABLE", `${host}: ${through}${sentence}`, { cause, details });
}

/** undici wraps what went wrong with a proxy's connection. */
function rootOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = systemCode(error);
  const isWrapper = code === "" || code.startsWith("UND_ERR_PRX") || code === "UND_ERR_ABORTED";
  return isWrapper && error.cause instanceof Error ? rootOf(error.cause) : error;
}
