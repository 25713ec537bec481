/** One request of a test to a server on loopback, past all proxies, with a deadline. */
import { request as plainRequest, type IncomingHttpHeaders } from "node:http";
import { request as tlsRequest } from "node:https";

const DEADLINE_MS = 30_000;

export interface RequestTarget {
  readonly url: string;
  readonly caPem?: string | undefined;
}

export interface TestRequest {
  readonly method: string;
  /** Below the target's URL, or an absolute URL of the same server. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

export interface TestAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export async function sendRequest(target: RequestTarget, request: TestRequest): Promise<TestAnswer> {
  const url = new URL(request.path, target.url);
  const { promise, resolve, reject } = Promise.withResolvers<TestAnswer>();
  const options = {
    method: request.method,
    headers: { ...request.headers, "content-length": String(request.body?.length ?? 0) },
    signal: AbortSignal.timeout(DEADLINE_MS),
    agent: false,
  } as const;
  const outgoing =
    url.protocol === "https:" ? tlsRequest(url, { ...options, ca: target.caPem }) : plainRequest(url, options);
  outgoing.on("error", reject);
  outgoing.on("response", (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("error", reject);
    response.on("end", () =>
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
    );
  });
  outgoing.end(request.body);
  return promise;
}
