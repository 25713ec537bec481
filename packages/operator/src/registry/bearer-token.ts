/** The token flow of registries: ask the server that a 401 names, with the account if there is one. */
import { parseToken, tokenUrl, type AuthChallenge } from "@rancheros/protocol/images";
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
  const url = tokenUrl(challenge, endpoint.origin, endpoint.repository);
  if (url === undefined) {
    throw new RegistryError(
      "REGISTRY_NONSENSE",
      `${endpoint.host}: names a token server without TLS on another host, or none`,
    );
  }
  if (credential !== undefined) url.searchParams.set("account", credential.username);
  const authorization = credential === undefined ? undefined : basicAuthorization(credential);
  const headers = { accept: "application/json" };
  const request = { method: "GET", url, headers, bodyLimitBytes: TOKEN_LIMIT_BYTES } as const;
  const answer = await followRedirects(send, request, authorization);
  const what = `${endpoint.host}: its token server ${url.host}`;
  // Some token servers say 400 to a wrong password.
  const status = answer.status === 400 ? 401 : answer.status;
  if (status !== 200) throw answerFailure({ ...answer, status }, what);
  const token = parseToken(answer.body.toString("utf8"));
  if (token === undefined) throw new RegistryError("REGISTRY_NONSENSE", `${what} gave no token`);
  return token;
}
