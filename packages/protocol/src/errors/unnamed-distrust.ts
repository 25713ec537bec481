/** Certificates that OpenSSL does not accept for a reason that Node has no name for: keys and digests that are too weak, names that the CA may not give. */
import { systemCode } from "./system-code.ts";

const WORDS_LIMIT = 100;

/**
 * @param cause  whatever was thrown
 * @returns OpenSSL's words, such as "EE certificate key too weak", short and harmless; undefined where it is something else
 * Source: Node.js documentation, tls, "X509 certificate error codes"; node src/crypto/crypto_common.cc, X509ErrorCode
 */
export function unnamedDistrust(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || systemCode(cause) !== "UNSPECIFIED") return undefined;
  return cause.message.replaceAll(/[^\w .,:()-]/g, "?").slice(0, WORDS_LIMIT);
}
