/** The token flow of registries: ask the server that a 401 names, with the account if there is one. */
import type { AuthChallenge } from "@rancheros/protocol/images";
import { answerFailure } from "./answer-failure.ts";
import { basicAuthorization } from "./basic-authorization.ts";
import type { Endpoint } from "./endpoints.ts";
import { RegistryError } from "./errors.ts";
import { followRedirects, type Send } from "./follow-redirects.ts";
import type { RegistryCredential } from "./pull-secret.ts";

const TOKEN_LIMIT_BYTES = 64 * 1024;

type BearerChallenge = Extract<AuthChallenge, { readonly scheme: "bearer" }>;

/**
 * @returns the token, as it goes behind `Bearer`
 * @throws RegistryError
 * Source: distribution spec/auth/token.md
 */
export async function bearerToken(
  send: Send,
  challenge: BearerChallenge,
  endpoint: Endpoint,
  credential: RegistryCredential | undefined,
): Promise<string> {
  const url = tokenUrl(challenge, endpoint);
  if (credential !== undefined) url.searchParams.set("account", credential.username);
  const authorization = credential === undefined ? undefined : basicAuthorization(credential);
  const headers = { accept: "application/json" };
  const request = { method: "GET", url, headers, bodyLimitBytes: TOKEN_LIMIT_BYTES } as const;
  const answer = await followRedirects(send, request, authorization);
  const what = `${endpoint.host}: its token server ${url.host}`;
  // Some token servers say 400 to a wrong password.
  const status = answer.status === 400 ? 401 : answer.status;
  if (status !== 200) throw answerFailure({ ...answer, status }, what);
  const token = readToken(answer.body);
  if (token === undefined) throw new RegistryError("REGISTRY_NONSENSE", `${what} gave no token`);
  return token;
}

/** Without TLS only where the registry itself is spoken to without, and on the same machine. */
function tokenUrl(challenge: BearerChallenge, endpoint: Endpoint): URL {
  const url = URL.parse(challenge.realm, endpoint.origin);
  const isSame = url?.hostname === endpoint.origin.hostname && endpoint.origin.protocol === "http:";
  const isAllowed = url !== null && (url.protocol === "https:" || (url.protocol === "http:" && isSame));
  if (!isAllowed || url.username !== "" || url.password !== "") {
    throw new RegistryError(
      "REGISTRY_NONSENSE",
      `${endpoint.host}: names a token server without TLS on another host, or none`,
    );
  }
  if (challenge.service !== undefined) url.searchParams.set("service", challenge.service);
  url.searchParams.set("scope", scopeOf(challenge, endpoint));
  return url;
}

/** A registry may name its repository otherwise than we do; more than to pull is never asked for. */
function scopeOf(challenge: BearerChallenge, endpoint: Endpoint): string {
  const isPull = challenge.scope !== undefined && /^repository:[^\s:]+:pull$/.test(challenge.scope);
  return isPull && challenge.scope !== undefined ? challenge.scope : `repository:${endpoint.repository}:pull`;
}

function readToken(body: Buffer): string | undefined {
  let document: unknown;
  try {
    document = JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
  if (typeof document !== "object" || document === null) return undefined;
  const candidates = [
    "token" in document ? document.token : undefined,
    "access_token" in document ? document.access_token : undefined,
  ];
  // RFC 6750, section 2.1: nothing else may stand in the header.
  return candidates.find((token): token is string => typeof token === "string" && /^[\w.~+/:-]+=*$/.test(token));
}
