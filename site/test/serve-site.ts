/** The built site on a port of this machine, as any web server would have it. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import path from "node:path";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};

export interface ServedSite {
  /** Such as http://127.0.0.1:40123 */
  readonly origin: string;
  close(): void;
}

async function answer(folder: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  const file = path.join(folder, decodeURIComponent(pathname.endsWith("/") ? `${pathname}index.html` : pathname));
  const content = file.startsWith(`${folder}/`) ? await readFile(file).catch(() => undefined) : undefined;
  response.statusCode = content === undefined ? 404 : 200;
  response.setHeader("content-type", TYPES[path.extname(file)] ?? "text/plain; charset=utf-8");
  response.end(content ?? "there is no such page");
}

export async function serveSite(folder: string): Promise<ServedSite> {
  const server = createServer((request, response) => void answer(folder, request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return {
    origin: `http://127.0.0.1:${address.port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
