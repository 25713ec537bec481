/** Requests to one endpoint, with the login that it asks for: kept, and renewed when it has run out. */
import { createGrowingBytes } from "@rancheros/protocol/bytes";
import { parseChallenge, parseToken, tokenUrl, type AuthChallenge } from "@rancheros/protocol/images";

import type { Endpoint } from "./endpoints.ts";
import { ImagePullError } from "./errors.ts";
import type { RegistryAnswer, RegistryRequest, TlsMaterial } from "./io/registry-request.ts";
import { answerFailure } from "./registry-failure.ts";

export interface SessionOutside {
  readonly registryRequest: (request: RegistryRequest) => Promise<RegistryAnswer>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface SessionOptions {
  readonly endpoint: Endpoint;
  readonly tls: TlsMaterial;
  readonly silenceMs: number;
}

export interface RegistrySession {
  readonly endpoint: Endpoint;
  /**
   * @returns an answer with status 200 or 206, whose body has to be read or closed
   * @throws ImagePullError for every other status, and for what the network does
   */
  readonly get: (url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal) => Promise<RegistryAnswer>;
}

const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const MAX_TOKEN_BYTES = 64 * 1024;

export function registrySession(outside: SessionOutside, options: SessionOptions): RegistrySession {
  const { endpoint, tls, silenceMs } = options;
  const { account } = endpoint;
  const what = `${endpoint.host}: ${endpoint.repository}`;
  let authorization: string | undefined;

  const send = (url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<RegistryAnswer> =>
    outside.registryRequest({ url, headers, tls, silenceMs, signal, environment: outside.environment });

  /** Redirects: few, never away from TLS, and never with somebody's password. */
  async function follow(
    url: URL,
    headers: Readonly<Record<string, string>>,
    login: string | undefined,
    signal: AbortSignal,
  ): Promise<RegistryAnswer> {
    let at = url;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const own = login !== undefined && at.origin === url.origin;
      const answer = await send(at, own ? { ...headers, authorization: login } : headers, signal);
      const wantsLogin = answer.status === 401 && at.origin !== url.origin;
      if (!REDIRECTS.has(answer.status) && !wantsLogin) return answer;
      answer.close();
      // Its challenge would decide who gets the account.
      if (wantsLogin)
        throw new ImagePullError("IMAGE_REGISTRY_NONSENSE", `${what}: redirects to ${at.host}, which wants a login`);
      const next = URL.parse(answer.header("location") ?? "", at);
      if (next === null || !isAsSafe(next, at) || next.username !== "") {
        throw new ImagePullError("IMAGE_REGISTRY_NONSENSE", `${what}: is redirected to where nobody should go`);
      }
      at = next;
    }
    throw new ImagePullError("IMAGE_REGISTRY_NONSENSE", `${what}: is redirected more than ${MAX_REDIRECTS} times`);
  }

  async function login(challenge: AuthChallenge | undefined, signal: AbortSignal): Promise<string> {
    if (challenge === undefined) {
      throw new ImagePullError("IMAGE_NO_RIGHTS", `${what}: a login is needed, but neither Basic nor Bearer`);
    }
    if (challenge.scheme === "basic") {
      if (account !== undefined) return basic(account);
      throw new ImagePullError("IMAGE_NO_RIGHTS", `${what}: an account is needed, and there is none for this registry`);
    }
    const url = tokenUrl(challenge, new URL(endpoint.root), endpoint.repository);
    if (url === undefined) {
      throw new ImagePullError("IMAGE_REGISTRY_NONSENSE", `${what}: names a token server without TLS, or none`);
    }
    const answer = await follow(
      url,
      { accept: "application/json" },
      account === undefined ? undefined : basic(account),
      signal,
    );
    // Some token servers say 400 to a wrong password.
    const status = answer.status === 400 ? 401 : answer.status;
    if (status !== 200) {
      answer.close();
      throw answerFailure(
        { status, retryAfter: answer.header("retry-after") },
        `${what}: its token server ${url.host}`,
        account !== undefined,
      );
    }
    const token = parseToken((await readBody(answer, MAX_TOKEN_BYTES, url.host)).toString("utf8"));
    if (token === undefined)
      throw new ImagePullError("IMAGE_REGISTRY_NONSENSE", `${what}: its token server ${url.host} gave no token`);
    return `Bearer ${token}`;
  }

  /** With the reason for having no account, where registries.yaml has one that is of no use. */
  function explained(error: unknown): unknown {
    const { passedOver } = endpoint;
    const isOfAccount = error instanceof ImagePullError && error.code === "IMAGE_NO_RIGHTS";
    if (passedOver === undefined || !isOfAccount) return error;
    const { code, message, details } = error;
    return new ImagePullError(code, `${message}; ${passedOver}`, { cause: error, details });
  }

  async function get(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<RegistryAnswer> {
    let answer = await follow(url, headers, authorization, signal);
    if (answer.status === 401) {
      answer.close();
      // Asked anew each time: a token has run out by the time of a later layer.
      authorization = await login(parseChallenge(answer.header("www-authenticate")), signal);
      answer = await follow(url, headers, authorization, signal);
    }
    if (answer.status === 200 || answer.status === 206) return answer;
    answer.close();
    throw answerFailure(
      { status: answer.status, retryAfter: answer.header("retry-after") },
      what,
      account !== undefined,
    );
  }

  return {
    endpoint,
    async get(url, headers, signal) {
      try {
        return await get(url, headers, signal);
      } catch (error) {
        throw explained(error);
      }
    },
  };
}

/** Registries without TLS keep blobs on servers without: whatever comes is what its digest names. */
function isAsSafe(next: URL, at: URL): boolean {
  return next.protocol === "https:" || (next.protocol === "http:" && at.protocol === "http:");
}

function basic(account: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${account.username}:${account.password}`).toString("base64")}`;
}

/** @throws ImagePullError IMAGE_REGISTRY_NONSENSE for more than the limit */
export async function readBody(answer: RegistryAnswer, maxBytes: number, host: string): Promise<Buffer> {
  const body = createGrowingBytes(maxBytes);
  for await (const chunk of answer.body) {
    if (!body.append(chunk))
      throw new ImagePullError("IMAGE_REGISTRY_NONSENSE", `${host}: answers with more than ${maxBytes} bytes`);
  }
  return body.bytes();
}
