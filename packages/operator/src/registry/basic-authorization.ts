/** The header with which an account is named to a registry or its token server. */
import type { RegistryCredential } from "./pull-secret.ts";

/** Source: RFC 7617 */
export function basicAuthorization(credential: RegistryCredential): string {
  return `Basic ${Buffer.from(`${credential.username}:${credential.password}`).toString("base64")}`;
}
