/** What a token server answers. */

/**
 * @returns the first of its two fields that has a token, as it goes behind `Bearer`; undefined for an answer without one
 * Source: distribution spec/auth/token.md, "Token Response Fields"
 */
export function parseToken(body: string): string | undefined {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof document !== "object" || document === null) return undefined;
  const candidates = [
    "token" in document ? document.token : undefined,
    "access_token" in document ? document.access_token : undefined,
  ];
  // What RFC 6750, section 2.1 has and what registries make of it: no more than what may stand in a header.
  return candidates.find((token): token is string => typeof token === "string" && /^[\x21-\x7E]+$/.test(token));
}
