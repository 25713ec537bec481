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

/** OpenSSL's verification results by Node's names for them (node:tls, X509 certificate error codes). */
const DISTRUST: Readonly<Record<string, string>> = {
  UNABLE_TO_GET_ISSUER_CERT: "comes from a CA that the kubeconfig does not trust",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "comes from a CA that the kubeconfig does not trust",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "comes from a CA that the kubeconfig does not trust",
  DEPTH_ZERO_SELF_SIGNED_CERT: "comes from a CA that the kubeconfig does not trust",
  SELF_SIGNED_CERT_IN_CHAIN: "comes from a CA that the kubeconfig does not trust",
  CERT_SIGNATURE_FAILURE: "comes from a CA that the kubeconfig does not trust",
  ERR_TLS_CERT_ALTNAME_INVALID: "is for another name than the one in the kubeconfig",
  HOSTNAME_MISMATCH: "is for another name than the one in the kubeconfig",
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
  const options = { cause: error, details: { host, ...(code === "" ? {} : { networkError: code }) } };
  const unnamed = unnamedDistrust(error);
  const distrust = unnamed === undefined ? DISTRUST[code] : `is not acceptable: ${unnamed}`;
  if (distrust !== undefined) {
    const whose = isProxyError(error) ? `the proxy on the way to the API server ${host}` : `the API server ${host}`;
    return new NodeApiError("NODE_API_UNTRUSTED", `the certificate of ${whose} ${distrust}`, options);
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
