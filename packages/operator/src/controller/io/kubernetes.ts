/** The API server: one request and its answer. Watches are in watch-resource.ts. */
import { HttpMethod, RequestContext, type KubeConfig } from "@kubernetes/client-node";
import { hasCode } from "@rancheros/protocol/errors";
import { request, type Dispatcher } from "undici";
import { apiTarget, apiVerb, statusOutcome, type ApiCall, type ApiOutcome } from "../../telemetry/index.ts";
import { KubernetesError } from "../errors.ts";
import { refusal } from "../kubernetes-status.ts";
import { isAbort, lostRequest } from "../lost-request.ts";
import { orAborted } from "../or-aborted.ts";
import type { DatedAnswer } from "../cluster-clock.ts";
import { checkPath } from "../request-path.ts";
import { parseServerDate } from "../server-date.ts";

const ANSWER_LIMIT_BYTES = 64 * 1024 * 1024;

export interface KubernetesRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path and query. */
  readonly path: string;
  readonly body?: unknown;
  /** Default application/json; a PATCH says which patch it is. */
  readonly contentType?: string;
  /** What is wanted back; default application/json, the whole object. */
  readonly accept?: string;
  readonly timeoutMs?: number;
}

/** Of an object, its metadata only: what else it has stays at the API server. */
export const METADATA_ONLY = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";

export interface Kubernetes {
  readonly config: KubeConfig;
  /** @throws KubernetesError  of one code for each kind of failure */
  send(request: KubernetesRequest): Promise<unknown>;
  /**
   * Asks for an answer that has no end: a watch.
   * @param path    path and query
   * @param signal  ends it
   * @param idleMs  it fails where nothing comes for so long
   * @returns       the answer's bytes, as they come
   * @throws KubernetesError
   */
  open(path: string, signal: AbortSignal, idleMs: number): Promise<AsyncIterable<Buffer>>;
}

/** Not only as its head says: an answer in chunks says no length. */
async function readText({ headers, body }: Dispatcher.ResponseData): Promise<string> {
  const length = Number(headers["content-length"] ?? 0);
  if (length > ANSWER_LIMIT_BYTES) throw new RangeError(`an answer of ${length} bytes`);
  const chunks: Buffer[] = [];
  let bytes = 0;
  const pieces: AsyncIterable<Buffer> = body;
  for await (const piece of pieces) {
    bytes += piece.length;
    if (bytes > ANSWER_LIMIT_BYTES) throw new RangeError(`an answer of more than ${ANSWER_LIMIT_BYTES} bytes`);
    chunks.push(piece);
  }
  return Buffer.concat(chunks, bytes).toString("utf8");
}

async function readJson(response: Dispatcher.ResponseData, path: string): Promise<unknown> {
  try {
    const text = await readText(response);
    return text === "" ? undefined : JSON.parse(text);
  } catch (cause) {
    if (isAbort(cause)) throw lostRequest(path, cause);
    if (response.statusCode >= 400) return undefined;
    throw new KubernetesError("KUBERNETES_NONSENSE", `the API server's answer for ${path} is no JSON`, { cause });
  }
}

function retryAfterSeconds(header: string | string[] | undefined): number | undefined {
  const seconds = Number(header);
  return header !== undefined && Number.isFinite(seconds) ? Math.min(seconds, 60) : undefined;
}

interface Login {
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher | undefined;
}

/**
 * The library knows every way to log in, but makes a new connection pool each time it is asked: we ask it again only as
 * often as tokens on disk (30 s) and certificates (10 min) may have changed.
 */
function loginOf(config: KubeConfig, server: string): () => Promise<Login> {
  let held: Login | undefined;
  let headersUntil = 0;
  let poolUntil = 0;
  return async () => {
    const now = performance.now();
    if (held !== undefined && now < headersUntil) return held;
    const context = new RequestContext(server, HttpMethod.GET);
    await config.applySecurityAuthentication(context);
    const fresh = context.getDispatcher();
    const old = held?.dispatcher;
    const keep = held !== undefined && now < poolUntil;
    headersUntil = now + 30_000;
    if (!keep) {
      poolUntil = now + 600_000;
      // Requests under way end on the old pool.
      old?.close().catch(() => old.destroy());
    }
    held = { headers: context.getHeaders(), dispatcher: keep ? old : fresh };
    return held;
  };
}

/** Who changed a field, for managedFields and for who else applies the object: the same whatever version this is. */
const FIELD_MANAGER = "rancheros-operator";

function managedPath({ method, path }: KubernetesRequest): string {
  if (method === "GET" || method === "DELETE") return path;
  return `${path}${path.includes("?") ? "&" : "?"}fieldManager=${FIELD_MANAGER}`;
}

/** How a request without an answer ended. */
function lostOutcome(error: KubernetesError): ApiOutcome {
  return error.code === "KUBERNETES_TIMEOUT" ? "timeout" : "unreachable";
}

export interface KubernetesListener {
  /** Told of each request when it has ended; must not throw. */
  readonly onCall: (call: ApiCall) => void;
  /** Told when the API server made an answer; must not throw. */
  readonly onDate: (answer: DatedAnswer) => void;
}

const NOBODY: KubernetesListener = { onCall: () => undefined, onDate: () => undefined };

/** A proxy in front of the API server has a clock of its own, and fails in its own words. */
function isItsOwn({ statusCode, headers }: Dispatcher.ResponseData): boolean {
  return statusCode < 500 && String(headers["content-type"]).startsWith("application/json");
}

/** @param config  a kubeconfig with a current cluster */
export function connectKubernetes(config: KubeConfig, { onCall, onDate }: KubernetesListener = NOBODY): Kubernetes {
  const server = config.getCurrentCluster()?.server.replace(/\/+$/, "");
  if (server === undefined) throw new KubernetesError("KUBERNETES_KUBECONFIG", "the kubeconfig names no cluster");

  const login = loginOf(config, server);

  /** RFC 9110 section 6.6.1: it is of the moment in which the answer was made, to the second. */
  function noteDate(response: Dispatcher.ResponseData, beganMs: number): void {
    const serverMs = isItsOwn(response) ? parseServerDate(response.headers["date"]) : undefined;
    if (serverMs !== undefined) onDate({ serverMs, beganMs, endedMs: performance.now() });
  }

  function observe(path: string, method: string): (outcome: ApiOutcome) => void {
    const beganMs = performance.now();
    const { resource, isNamed } = apiTarget(path);
    const verb = method === "WATCH" ? "watch" : apiVerb(method, isNamed);
    return (outcome) => onCall({ verb, resource, outcome, durationMs: performance.now() - beganMs });
  }

  async function send(asked: KubernetesRequest): Promise<unknown> {
    checkPath(asked.path);
    const ended = observe(asked.path, asked.method);
    const signal = AbortSignal.timeout(asked.timeoutMs ?? 15_000);
    let response: Dispatcher.ResponseData;
    try {
      const { headers, dispatcher } = await orAborted(login(), signal);
      const askedAtMs = performance.now();
      const answer = request(`${server}${managedPath(asked)}`, {
        method: asked.method,
        headers: {
          ...headers,
          "user-agent": FIELD_MANAGER,
          accept: asked.accept ?? "application/json",
          ...(asked.body === undefined ? {} : { "content-type": asked.contentType ?? "application/json" }),
        },
        signal,
        ...(asked.body === undefined ? {} : { body: JSON.stringify(asked.body) }),
        ...(dispatcher === undefined ? {} : { dispatcher }),
      });
      response = await orAborted(answer, signal);
      noteDate(response, askedAtMs);
    } catch (cause) {
      const error = lostRequest(asked.path, cause);
      ended(lostOutcome(error));
      throw error;
    }
    const body = await readJson(response, asked.path).finally(() => ended(statusOutcome(response.statusCode)));
    if (response.statusCode >= 200 && response.statusCode < 300) return body;
    throw refusal(response.statusCode, body, retryAfterSeconds(response.headers["retry-after"]));
  }

  async function open(path: string, signal: AbortSignal, idleMs: number): Promise<AsyncIterable<Buffer>> {
    checkPath(path);
    const ended = observe(path, "WATCH");
    let response: Dispatcher.ResponseData;
    try {
      const { headers, dispatcher } = await orAborted(login(), signal);
      const answer = request(`${server}${path}`, {
        headers: { ...headers, "user-agent": FIELD_MANAGER, accept: "application/json" },
        signal,
        headersTimeout: idleMs,
        bodyTimeout: idleMs,
        ...(dispatcher === undefined ? {} : { dispatcher }),
      });
      response = await orAborted(answer, signal);
    } catch (cause) {
      const error = lostRequest(path, cause);
      ended(lostOutcome(error));
      throw error;
    }
    ended(statusOutcome(response.statusCode));
    if (response.statusCode === 200) return response.body;
    const retryAfter = retryAfterSeconds(response.headers["retry-after"]);
    throw refusal(response.statusCode, await readJson(response, path), retryAfter);
  }

  return { config, send, open };
}

/** Reads an object; undefined where there is none. @throws KubernetesError for every other refusal */
export async function readOrNothing(kubernetes: Kubernetes, path: string, timeoutMs?: number): Promise<unknown> {
  try {
    return await kubernetes.send({ method: "GET", path, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  } catch (error) {
    if (hasCode(error, "KUBERNETES_NOT_FOUND")) return undefined;
    throw error;
  }
}
