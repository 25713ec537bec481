/** A token server as hosted registries have one: Basic authentication in, short-lived JWTs for a scope out. */
import { randomUUID, sign, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createAuthority, type Authority } from "../registration/authority.ts";
import { basicAuthorization, REGISTRY_ACCOUNT } from "./account.ts";

const TOKEN_LIFETIME_SECONDS = 300;

export interface TokenServerOptions {
  /** With it: TLS with a certificate of this authority. */
  readonly tls?: Authority;
  /** Repositories that everybody may pull. */
  readonly publicRepositories?: readonly string[];
}

/** One request that came, as far as tests ask. */
export interface TokenRequest {
  readonly scope: string | undefined;
  readonly authorization: string | undefined;
}

export interface TokenServer {
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  /** What the registry has to trust: the `rootcertbundle`. */
  readonly rootPem: string;
  readonly requests: readonly TokenRequest[];
  /** A token without any request, for pushing. @param scope such as `repository:os/base:pull,push` */
  readonly issue: (scope: string) => string;
  readonly stop: () => Promise<void>;
}

export async function startTokenServer(options: TokenServerOptions = {}): Promise<TokenServer> {
  const issuer = "rancheros-test-tokens";
  const service = "rancheros-test-registry";
  const authority = createAuthority(issuer);
  const signer = authority.issue({ names: ["tokens.test"] });
  const requests: TokenRequest[] = [];
  const issue = (scope: string): string => signedToken({ issuer, service, scope, signer });
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const query = new URL(request.url ?? "/", "http://127.0.0.1").searchParams;
    const { authorization } = request.headers;
    const scope = query.get("scope") ?? undefined;
    requests.push({ scope, authorization });
    const isPublic = options.publicRepositories?.some((name) => scope === `repository:${name}:pull`) === true;
    if (authorization === undefined ? !isPublic : authorization !== basicAuthorization(REGISTRY_ACCOUNT)) {
      response
        .writeHead(401, { "content-type": "application/json" })
        .end('{"details":"incorrect username or password"}');
      return;
    }
    const body = { token: issue(scope ?? ""), expires_in: TOKEN_LIFETIME_SECONDS };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
  const server: Server =
    options.tls === undefined
      ? createServer(answer)
      : createTlsServer(options.tls.issue({ names: ["127.0.0.1"] }), answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    realm: `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${port}/token`,
    service,
    issuer,
    rootPem: authority.certificatePem,
    requests,
    issue,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

interface TokenParts {
  readonly issuer: string;
  readonly service: string;
  readonly scope: string;
  readonly signer: { readonly cert: string; readonly key: string };
}

/** As the registry's token specification wants it: RS256, the certificate in x5c, what is granted in `access`. */
function signedToken(parts: TokenParts): string {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const header = {
    typ: "JWT",
    alg: "RS256",
    x5c: [new X509Certificate(parts.signer.cert).raw.toString("base64")],
  };
  const [type, name, actions] = parts.scope.split(":");
  const claims = {
    iss: parts.issuer,
    sub: REGISTRY_ACCOUNT.username,
    aud: parts.service,
    exp: nowSeconds + TOKEN_LIFETIME_SECONDS,
    nbf: nowSeconds - 10,
    iat: nowSeconds,
    jti: randomUUID(),
    access: actions === undefined ? [] : [{ type, name, actions: actions.split(",") }],
  };
  const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${signed}.${sign("sha256", Buffer.from(signed), parts.signer.key).toString("base64url")}`;
}
