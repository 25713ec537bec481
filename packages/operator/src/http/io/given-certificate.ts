/** Certificates that were given as files: taken only where they can be used. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { SessionError } from "../errors.ts";

/** The least that a listener takes part in. */
export const TLS_MIN_VERSION = "TLSv1.2";

/**
 * Whether a listener can show them: a weak key, or a chain that breaks off behind its first certificate, is no better than
 * another certificate's key.
 * @param pair  chain and key as PEM
 * @param what  names the files, for the error
 * @throws SessionError CERTIFICATE_INVALID
 */
export function checkPair(pair: { readonly cert: string; readonly key: string }, what: string): void {
  let belongs: boolean;
  try {
    belongs = new X509Certificate(pair.cert).checkPrivateKey(createPrivateKey(pair.key));
  } catch (cause) {
    throw new SessionError("CERTIFICATE_INVALID", `${what}: no certificate with its key`, { cause });
  }
  // While the two are being replaced one after the other, they do not belong together for a moment.
  if (!belongs) throw new SessionError("CERTIFICATE_INVALID", `${what}: the key belongs to another certificate`);
  try {
    createSecureContext({ cert: pair.cert, key: pair.key, minVersion: TLS_MIN_VERSION });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SessionError("CERTIFICATE_INVALID", `${what}: TLS does not take them: ${why}`, { cause });
  }
}

const CA_MEND = "Give the CA's certificate as PEM; the file is read again every ten seconds.";

/**
 * When the first certificate of the text ends, since the epoch.
 * @throws SessionError CERTIFICATE_INVALID  where it does not begin with one
 */
export function checkCa(pem: string, what: string): number {
  try {
    return new X509Certificate(pem).validToDate.getTime();
  } catch (cause) {
    throw new SessionError("CERTIFICATE_INVALID", `${what}: no certificate`, { cause, mend: CA_MEND });
  }
}
