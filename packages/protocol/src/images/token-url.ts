/** Where a registry's token is asked for, and what for. */
import type { AuthChallenge } from "./auth-challenge.ts";

type BearerChallenge = Extract<AuthChallenge, { readonly scheme: "bearer" }>;

/**
 * @param registry  as it was asked; a token server without TLS may only stand on the same host, where that was asked without
 * @returns undefined for a token server to which nobody should show a password
 * Source: distribution spec/auth/token.md
 */
export function tokenUrl(challenge: BearerChallenge, registry: URL, repository: string): URL | undefined {
  const url = URL.parse(challenge.realm, registry);
  if (url === null || url.username !== "" || url.password !== "") return undefined;
  const isSame = registry.protocol === "http:" && url.hostname === registry.hostname;
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isSame)) return undefined;
  if (challenge.service !== undefined) url.searchParams.set("service", challenge.service);
  url.searchParams.set("scope", scopeOf(challenge, repository));
  return url;
}

/** A registry may name its repository otherwise than we do; more than to pull is never asked for. */
function scopeOf({ scope }: BearerChallenge, repository: string): string {
  const isPull = scope !== undefined && /^repository:[^\s:]+:pull$/.test(scope);
  return isPull ? scope : `repository:${repository}:pull`;
}
