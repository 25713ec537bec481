/** Servers that answer a request for an image in their own way, and what the operator makes of it. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createAuthority } from "../../../../../test/registration/authority.ts";
import { buildImage } from "../../../../../test/registry/index.ts";
import { startStrangeServer, type StrangeServer } from "../../../../../test/registry/strange-server.ts";
import type { RegistryError, ResolvedImage } from "../../../src/registry/index.ts";
import { failure, resolve, type Resolving } from "./resolving.ts";

export type Listener = (request: IncomingMessage, response: ServerResponse) => void;

export const authority = createAuthority("hostile registry");
/** One that is as it should be. */
export const good = buildImage({ layers: [[{ path: "a", content: "a" }]] });

export interface Ended<Result> {
  readonly result: Result;
  readonly requests: readonly IncomingMessage[];
  readonly host: string;
}

export async function against<Result>(
  listener: Listener,
  ask: (server: StrangeServer) => Promise<Result>,
  tls = false,
): Promise<Ended<Result>> {
  const server = await startStrangeServer(listener, tls ? authority.issue({ names: ["127.0.0.1"] }) : undefined);
  try {
    return { result: await ask(server), requests: server.requests, host: server.host };
  } finally {
    await server.stop();
  }
}

export function fails(listener: Listener, options: Resolving = {}): Promise<Ended<RegistryError>> {
  return against(listener, ({ host }) => failure(`${host}/os:v1`, { insecure: [host], ...options }));
}

export function resolves(listener: Listener, options: Resolving = {}): Promise<Ended<ResolvedImage>> {
  return against(listener, ({ host }) => resolve(`${host}/os:v1`, { insecure: [host], ...options }));
}

/** Answers GET with it, and HEAD with nothing that helps. */
export function manifest(
  body: Buffer | string,
  headers: Readonly<Record<string, string>> = {},
  type = good.descriptor.mediaType,
): Listener {
  return (request, response) => {
    response.writeHead(request.method === "HEAD" ? 405 : 200, { "content-type": type, ...headers });
    response.end(request.method === "HEAD" ? undefined : body);
  };
}

/** Answers HEAD without any digest, and GET with the same headers and what the test does next. */
export function headers(fields: Readonly<Record<string, string>>, body: (response: ServerResponse) => void): Listener {
  return (request, response) => {
    response.writeHead(200, { "content-type": good.descriptor.mediaType, ...fields });
    if (request.method === "HEAD") response.end();
    else body(response);
  };
}

/** Nothing is awaited here: the client hangs up. */
export function endless(response: ServerResponse): void {
  const piece = Buffer.alloc(64 * 1024, " ");
  const more = (): void => {
    while (!response.destroyed && response.write(piece));
    if (!response.destroyed) response.once("drain", more);
  };
  more();
}
