/** Whether a connection ended because a certificate proves nothing to this machine. */
import { systemCode, unnamedDistrust } from "@rancheros/protocol/errors";

/** Of OpenSSL's verification results (node:tls, X509 certificate error codes). */
const DISTRUST =
  /^(UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CERT_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|HOSTNAME_MISMATCH|ERR_TLS_CERT_ALTNAME_INVALID)/;

/**
 * @param cause  thrown or emitted by node:http or node:https
 * @returns why, in one of OpenSSL's words or names; undefined where something else happened
 */
export function distrustOf(cause: unknown): string | undefined {
  const code = systemCode(cause);
  return unnamedDistrust(cause) ?? (DISTRUST.test(code) ? code : undefined);
}
