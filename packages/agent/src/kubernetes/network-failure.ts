/** From what Node says about a broken connection to an API server to what a person can act on. */
import { systemCode, unnamedDistrust } from "@rancheros/protocol/errors";
import { isProxyError } from "../http/index.ts";
import { NodeApiError } from "./errors.ts";

const SENTENCES: Readonly<Record<string, (host: string) => string>> = {
  ENOTFOUND: (host) => `the name of ${host} is not known to this machine's name servers`,
  EAI_AGAIN: (host) => `the name of ${host} is not known to this machine's name servers`,
  ECONNREFUSED: (host) => `nothing listens at ${host}: the connection was refused`,
  EHOSTUNREACH: (host) => `there is no route to ${host}`,
  ENETUNREACH: (host) => `there is no route to ${host}`,
  ETIMEDOUT: (host) => `${host} does not answer`,
  ECONNRESET: (host) => `${host} broke the connection`,
  EPIPE: (host) => `${host} broke the connection`,
};

const UNKNOWN_CA = "comes from a CA that the kubeconfig does not trust";
const OTHER_NAME = "is for another name than the one in the kubeconfig";

/** What the kubeconfig says of a proxy is its address, and the CA of both. */
const OF_PROXY: Readonly<Record<string, string>> = {
  [UNKNOWN_CA]: "comes from a CA that neither the kubeconfig nor this machine trusts",
  [OTHER_NAME]: "is for another name than the one by which it is asked",
};

const MEND_PROXY =
  "Add the CA of the proxy to those of this machine (update-ca-certificates), name the API server in NO_PROXY if it needs no proxy, and check this machine's clock (`date`).";

/** OpenSSL's verification results by Node's names for them (node:tls, X509 certificate error codes). */
const DISTRUST: Readonly<Record<string, string>> = {
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_CA,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_CA,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_CA,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_CA,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_CA,
  CERT_SIGNATURE_FAILURE: UNKNOWN_CA,
  ERR_TLS_CERT_ALTNAME_INVALID: OTHER_NAME,
  HOSTNAME_MISMATCH: OTHER_NAME,
  CERT_HAS_EXPIRED: "has expired",
  CERT_NOT_YET_VALID: "is not valid yet",
  CERT_UNTRUSTED: "is not to be trusted",
  CERT_REJECTED: "is not to be trusted",
  CERT_REVOKED: "was revoked",
  INVALID_CA: "is not to be trusted",
  INVALID_PURPOSE: "is not one of a server",
};

/**
 * @param error  thrown or emitted by node:https
 * @param host   of the API server, with its port
 */
export function networkFailure(error: unknown, host: string): NodeApiError {
  if (error instanceof NodeApiError) return error;
  const code = systemCode(error);
  // It is valid once this machine's clock is set.
  const retry = code === "CERT_NOT_YET_VALID" ? { retry: "backoff" as const } : {};
  const options = { cause: error, details: { host, ...(code === "" ? {} : { networkError: code }) }, ...retry };
  const unnamed = unnamedDistrust(error);
  const distrust = unnamed === undefined ? DISTRUST[code] : `is not acceptable: ${unnamed}`;
  if (distrust !== undefined) {
    if (!isProxyError(error)) {
      return new NodeApiError("NODE_API_UNTRUSTED", `the certificate of the API server ${host} ${distrust}`, options);
    }
    const ofProxy = OF_PROXY[distrust] ?? distrust;
    const message = `the certificate of the proxy on the way to the API server ${host} ${ofProxy}`;
    return new NodeApiError("NODE_API_UNTRUSTED", message, { ...options, mend: MEND_PROXY });
  }
  if (/ALERT.*CERTIFICATE|ALERT_UNKNOWN_CA/.test(code)) {
    return new NodeApiError("NODE_API_UNAUTHORIZED", `the API server ${host} refuses the client certificate`, options);
  }
  if (/^(ERR_SSL_|ERR_TLS_|EPROTO$|HPE_)/.test(code)) {
    return new NodeApiError("NODE_API_NONSENSE", `${host} does not speak HTTPS as an API server does`, options);
  }
  const sentence = SENTENCES[code] ?? ((name: string) => `the connection to ${name} failed`);
  return new NodeApiError("NODE_API_UNREACHABLE", sentence(`the API server ${host}`), options);
}
