/** The API server by plain requests: what tests ask too often for a kubectl process each time. */
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request, type Dispatcher } from "undici";
import type { ClientCertificate } from "./client-authority.ts";

const TIMEOUT_MS = 30_000;
const CONNECTIONS = 16;
const LONGEST_PAUSE_SECONDS = 10;

export interface ApiClientTarget {
  readonly serverUrl: string;
  readonly caPem: string;
}

/** Who asks. */
export type ApiLogin =
  | { readonly adminToken: string }
  | { readonly certificate: ClientCertificate }
  /** A proxy there logs in; the server's address is then an http one. */
  | { readonly proxySocketPath: string };

/** The API server refused. */
export class ApiRefusal extends Error {
  override readonly name = "ApiRefusal";
  readonly status: number;
  readonly body: string;

  constructor(method: string, path: string, status: number, body: string) {
    super(`${method} ${path}: ${status} ${body}`);
    this.status = status;
    this.body = body;
  }
}

/** The object is not there; of a kind that the server does not have it says so in other words, which this is not. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiRefusal && error.status === 404 && error.body.includes('"reason":"NotFound"');
}

export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: unknown;
}

export class ApiClient {
  readonly #serverUrl: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #agent: Agent;
  readonly #patience: number;

  /** @param patience  how many times it asks again where the server says when to, as kubectl does ten times */
  constructor(target: ApiClientTarget, login: ApiLogin, patience = 0) {
    this.#patience = patience;
    this.#serverUrl = target.serverUrl;
    this.#headers = "adminToken" in login ? { authorization: `Bearer ${login.adminToken}` } : {};
    const own = "certificate" in login ? { cert: login.certificate.certificatePem, key: login.certificate.keyPem } : {};
    const connect = "proxySocketPath" in login ? { socketPath: login.proxySocketPath } : { ca: target.caPem, ...own };
    this.#agent = new Agent({ connect, connections: CONNECTIONS, allowH2: false });
  }

  /** @param accept  media type, where it is not plain JSON */
  async get(path: string, accept?: string): Promise<unknown> {
    return this.#send("GET", path, undefined, accept === undefined ? {} : { accept });
  }

  /** The same for what may not be there. @returns undefined where the server says that it is not */
  async find(path: string): Promise<unknown> {
    try {
      return await this.get(path);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async create(path: string, body: object): Promise<unknown> {
    return this.#send("POST", path, body);
  }

  /** RFC 7396: lists are replaced as a whole. */
  async mergePatch(path: string, body: object): Promise<unknown> {
    return this.#send("PATCH", path, body, { "content-type": "application/merge-patch+json" });
  }

  async replace(path: string, body: object): Promise<unknown> {
    return this.#send("PUT", path, body);
  }

  /**
   * Server-side apply of a whole object, made where it is missing; other people's fields are taken over, fields that the
   * server does not know are refused.
   */
  async apply(path: string, object: object, fieldManager: string): Promise<unknown> {
    const query = `fieldManager=${encodeURIComponent(fieldManager)}&force=true&fieldValidation=Strict`;
    const headers = { "content-type": "application/apply-patch+yaml" };
    return this.#send("PATCH", `${path}?${query}`, plainText(object), headers);
  }

  /** @param options  a DeleteOptions: gracePeriodSeconds, preconditions */
  async delete(path: string, options: object = {}): Promise<unknown> {
    return this.#send("DELETE", path, options);
  }

  /** One watch until the server ends it; `path` has the query without `watch`. */
  async *watch(path: string, signal: AbortSignal): AsyncGenerator<WatchEvent, void, undefined> {
    const separator = path.includes("?") ? "&" : "?";
    const { statusCode, body } = await request(`${this.#serverUrl}${path}${separator}watch=true`, {
      dispatcher: this.#agent,
      headers: this.#headers,
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: 0,
      signal,
    });
    if (statusCode !== 200) throw new ApiRefusal("WATCH", path, statusCode, await body.text());
    let rest = "";
    for await (const chunk of body.setEncoding("utf8") as AsyncIterable<string>) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) yield JSON.parse(line) as WatchEvent;
    }
  }

  /** Breaks what is under way. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #send(
    method: Dispatcher.HttpMethod,
    path: string,
    body?: object | string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<unknown> {
    for (let attempt = 0; ; attempt += 1) {
      const answer = await request(this.#serverUrl + path, {
        method,
        dispatcher: this.#agent,
        headers: {
          ...this.#headers,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        body: body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body),
        headersTimeout: TIMEOUT_MS,
        bodyTimeout: TIMEOUT_MS,
      });
      const text = await answer.body.text();
      if (answer.statusCode < 300) return JSON.parse(text);
      const againSeconds = Number(answer.headers["retry-after"]);
      if (!(againSeconds > 0) || attempt >= this.#patience) {
        throw new ApiRefusal(method, path, answer.statusCode, text);
      }
      await sleep(Math.min(againSeconds, LONGEST_PAUSE_SECONDS) * 1_000);
    }
  }
}

/** JSON that is the same as YAML: there some characters outside of ASCII end a line. */
function plainText(object: object): string {
  return JSON.stringify(object).replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
