/** The API server as this machine sees it: one request and its answer, logged in as the kubeconfig says. */
import { readAnswer } from "./api-answer.ts";
import { readCredentials, type Credentials, type CredentialsOutside, type Identity } from "./credentials.ts";
import { NodeApiError } from "./errors.ts";
import type { HttpsConnection, openConnection } from "./io/https-connection.ts";
import type { Kubeconfig } from "./kubeconfig.ts";
import { networkFailure } from "./network-failure.ts";
import { followServerClock, type ServerClock } from "./server-clock.ts";

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Below the server's address, for example /api/v1/nodes/n1. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Default application/json; a PATCH says which patch it is. */
  readonly contentType?: string;
  /** Default application/json, the whole object. */
  readonly accept?: string;
  /** Default DEFAULT_REQUEST_TIMEOUT_MS. */
  readonly timeoutMs?: number;
  readonly signal: AbortSignal;
}

export interface KubernetesClient {
  /** Host and port. */
  readonly host: string;
  readonly kubeconfigPath: string;
  /** Whom the kubeconfig logs in. */
  readonly identity: Identity;
  /**
   * @returns the answer's parsed JSON
   * @throws NodeApiError  one code for each kind of failure; NODE_API_INTERRUPTED when the signal was given
   */
  send(request: ApiRequest): Promise<unknown>;
  /**
   * The API server's clock, as the date of its last answer tells it. What it has dated is to be measured by it: a node's own
   * clock may be far off.
   * @returns milliseconds since 1970, to the second; by the node's own clock before the first answer
   */
  serverMs(): number;
  /** Ends open connections. */
  close(): void;
}

export interface ClientOutside extends CredentialsOutside {
  readonly openConnection: typeof openConnection;
  /** Of a clock that only goes forward, in milliseconds. */
  readonly nowMs: () => number;
}

/** Evictions wait for other writers of a PodDisruptionBudget for 10 s, webhooks for up to 30 s. */
export const DEFAULT_REQUEST_TIMEOUT_MS = 60_000;
/** A page of 500 pods with all that they can have. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** @throws NodeApiError KUBECONFIG_UNREADABLE, KUBECONFIG_INVALID, KUBECONFIG_CERTIFICATE_EARLY, KUBECONFIG_CERTIFICATE_EXPIRED */
export async function createClient(outside: ClientOutside, kubeconfig: Kubeconfig): Promise<KubernetesClient> {
  const { host } = kubeconfig.server;
  const first = await readCredentials(outside, kubeconfig);
  let login: Login = { credentials: first, connection: connect(outside, kubeconfig, first) };
  let before: Login | undefined;
  let renewing: Promise<void> | undefined;
  const clock = followServerClock(outside);

  /** Takes what lies on the disk by now, if it is something else. */
  async function renew(): Promise<void> {
    const fresh = await readCredentials(outside, kubeconfig).catch(() => undefined);
    if (fresh === undefined || isSame(fresh, login.credentials)) return;
    // Requests may still be under way on the last one, not on the one before it.
    before?.connection.close();
    before = login;
    login = { credentials: fresh, connection: connect(outside, kubeconfig, fresh) };
  }

  return {
    host,
    identity: first.identity,
    kubeconfigPath: kubeconfig.path,
    serverMs: clock.serverMs,
    async send(request) {
      const used = login;
      try {
        return await sendOnce(used, kubeconfig, request, clock);
      } catch (error) {
        if (!(error instanceof NodeApiError) || error.code !== "NODE_API_UNAUTHORIZED") throw error;
        // Kubelets' certificates and tokens are renewed in place.
        renewing ??= renew().finally(() => {
          renewing = undefined;
        });
        await renewing;
        if (used === login) throw error;
        return sendOnce(login, kubeconfig, request, clock);
      }
    },
    close: () => {
      before?.connection.close();
      login.connection.close();
    },
  };
}

interface Login {
  readonly credentials: Credentials;
  readonly connection: HttpsConnection;
}

function connect(outside: ClientOutside, kubeconfig: Kubeconfig, credentials: Credentials): HttpsConnection {
  const { skipTlsVerify, tlsServerName, proxy } = kubeconfig;
  const { ca, clientCertificate } = credentials;
  return outside.openConnection({ ca, clientCertificate, skipTlsVerify, tlsServerName, proxy });
}

function isSame(one: Credentials, other: Credentials): boolean {
  return (
    one.token === other.token &&
    one.clientCertificate?.certificate === other.clientCertificate?.certificate &&
    one.ca === other.ca
  );
}

async function sendOnce(
  { connection, credentials }: Login,
  { server }: Kubeconfig,
  request: ApiRequest,
  clock: ServerClock,
): Promise<unknown> {
  const { method, path, query, body, signal } = request;
  const { token } = credentials;
  const url = new URL(server);
  url.pathname = `${server.pathname.replace(/\/+$/, "")}${path}`;
  url.search = new URLSearchParams(query ?? {}).toString();
  // Node's timers want whole numbers.
  const timeoutMs = Math.ceil(request.timeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS);
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await connection.request({
      method,
      url,
      headers: {
        accept: request.accept ?? "application/json",
        "user-agent": "ros-agent",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": request.contentType ?? "application/json" }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      maxBodyBytes: MAX_ANSWER_BYTES,
      signal: AbortSignal.any([signal, deadline]),
    });
    if (answer === "flooded") throw new NodeApiError("NODE_API_NONSENSE", `the answer for ${path} is too large`);
    const read = readAnswer(answer);
    // A refusal may be that of a proxy, which dates nothing.
    clock.note(answer.date);
    return read;
  } catch (error) {
    if (error instanceof NodeApiError) throw error;
    const options = { cause: error, details: { host: server.host } };
    if (signal.aborted) {
      throw new NodeApiError("NODE_API_INTERRUPTED", "the request to the API server was broken off", options);
    }
    if (deadline.aborted) {
      const message = `the API server ${server.host} did not answer within ${Math.round(timeoutMs / 1000)} s`;
      throw new NodeApiError("NODE_API_TIMED_OUT", message, options);
    }
    throw networkFailure(error, server.host);
  }
}
