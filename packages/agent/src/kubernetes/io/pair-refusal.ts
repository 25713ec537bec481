/** What OpenSSL has against a client certificate and its key, before there is a connection that it ends. */
import { systemCode } from "@rancheros/protocol/errors";
import { createSecureContext } from "node:tls";

/** @returns the code of why TLS takes them from nobody, such as ERR_SSL_EE_KEY_TOO_SMALL; undefined where it does */
export function pairRefusal(certificate: string, key: string): string | undefined {
  try {
    createSecureContext({ cert: certificate, key });
    return undefined;
  } catch (error) {
    return systemCode(error);
  }
}
