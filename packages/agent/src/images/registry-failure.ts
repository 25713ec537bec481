/** From what a registry answers, or does not, to what a person can act on. */
import { systemCode } from "@rancheros/protocol/errors";
import { distrustOf, isProxyError } from "../http/index.ts";
import { ImagePullError } from "./errors.ts";

const SENTENCES: Readonly<Record<string, string>> = {
  ENOTFOUND: "this node's name servers do not know this name",
  EAI_AGAIN: "this node's name servers do not answer",
  ECONNREFUSED: "nothing listens there: the connection was refused",
  EHOSTUNREACH: "there is no route to it",
  ENETUNREACH: "there is no route to it",
  ETIMEDOUT: "it does not answer",
  ECONNRESET: "it broke the connection",
  EPIPE: "it broke the connection",
};

const LONGEST_RETRY_SECONDS = 3_600;

/**
 * @param cause  thrown or emitted by node:http or node:https; what is an ImagePullError already is given back as it is
 * @param proxy  the one through which the registry was asked
 */
export function connectionFailure(cause: unknown, host: string, proxy: URL | undefined): ImagePullError {
  if (cause instanceof ImagePullError) return cause;
  const code = systemCode(cause);
  if (proxy !== undefined && (code === "ERR_PROXY_TUNNEL" || SENTENCES[code] !== undefined)) {
    return proxyFailure(cause, code, host, proxy);
  }
  const options = { cause, details: { host, ...(code === "" ? {} : { error: code }) } };
  const distrust = distrustOf(cause);
  if (distrust !== undefined) {
    const isProxy = isProxyError(cause);
    const message = `${host}: ${isProxy ? "the proxy's" : "its"} certificate is not trusted (${distrust})`;
    return new ImagePullError("IMAGE_REGISTRY_UNTRUSTED", message, {
      ...options,
      ...(isProxy
        ? {
            mend: "Add the CA of the proxy to the node's own (update-ca-certificates), or name it as the registry's ca_file where it is that of both; check the node's clock.",
          }
        : {}),
    });
  }
  if (code === "EPROTO" || /^(ERR_SSL_|HPE_)/.test(code)) {
    return new ImagePullError("IMAGE_REGISTRY_NONSENSE", `${host}: does not speak TLS or HTTP as it should`, options);
  }
  const sentence = SENTENCES[code] ?? (cause instanceof Error ? "the connection failed" : "it is not there");
  return new ImagePullError("IMAGE_REGISTRY_UNREACHABLE", `${host}: ${sentence}`, options);
}

function proxyFailure(cause: unknown, code: string, host: string, proxy: URL): ImagePullError {
  const status = cause instanceof Error && "statusCode" in cause ? cause.statusCode : undefined;
  if (typeof status === "number") return proxyRefusal(status, host, proxy, cause);
  // The proxy's URL may hold a password, its host does not.
  const message = `${host}: the proxy ${proxy.host}: ${SENTENCES[code] ?? "it broke the connection"}`;
  const details = { host, proxy: proxy.host, error: code };
  return new ImagePullError("IMAGE_REGISTRY_UNREACHABLE", message, { cause, details });
}

/** @param status  what the proxy says in the registry's place */
export function proxyRefusal(status: number, host: string, proxy: URL, cause?: unknown): ImagePullError {
  const wantsLogin = status === 407;
  const sentence = wantsLogin ? "it wants a login" : "it does not let this node through";
  return new ImagePullError(
    "IMAGE_REGISTRY_UNREACHABLE",
    `${host}: the proxy ${proxy.host}: ${sentence} (HTTP ${status})`,
    {
      cause,
      details: { host, proxy: proxy.host, status },
      ...(wantsLogin
        ? {
            mend: "Give the proxy's user name and password in HTTPS_PROXY and HTTP_PROXY: http://USER:PASSWORD@HOST:PORT.",
          }
        : {}),
    },
  );
}

export interface RefusedAnswer {
  readonly status: number;
  readonly retryAfter: string | undefined;
}

/**
 * @param what      what was asked for, such as `registry.example.com: rancher/os2`
 * @param loggedIn  whether an account or a token was sent
 */
export function answerFailure(answer: RefusedAnswer, what: string, loggedIn: boolean): ImagePullError {
  const { status } = answer;
  const options = { details: { status } };
  if (status === 401) {
    const code = loggedIn ? "IMAGE_CREDENTIALS_WRONG" : "IMAGE_NO_RIGHTS";
    return new ImagePullError(
      code,
      `${what}: ${loggedIn ? "the account is refused" : "an account is needed"} (HTTP 401)`,
      options,
    );
  }
  if (status === 403) return new ImagePullError("IMAGE_NO_RIGHTS", `${what}: may not be pulled (HTTP 403)`, options);
  if (status === 404) return new ImagePullError("IMAGE_NOT_FOUND", `${what}: is not there (HTTP 404)`, options);
  if (status === 429 || status === 503) {
    const seconds = answer.retryAfter;
    const after =
      seconds !== undefined && /^\d{1,9}$/.test(seconds) ? Math.min(Number(seconds), LONGEST_RETRY_SECONDS) : undefined;
    const message = `${what}: the registry asks to come back later (HTTP ${status})`;
    return new ImagePullError(
      "IMAGE_REGISTRY_BUSY",
      message,
      after === undefined ? options : { ...options, retry: { afterMs: after * 1000 } },
    );
  }
  if (status >= 500) {
    return new ImagePullError("IMAGE_REGISTRY_FAILED", `${what}: the registry is in trouble (HTTP ${status})`, options);
  }
  return new ImagePullError(
    "IMAGE_REGISTRY_NONSENSE",
    `${what}: answered with HTTP ${status}, which no registry does`,
    options,
  );
}
