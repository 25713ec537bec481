/** Files over HTTP on loopback, where virtual machines fetch them. */
import { once } from "node:events";
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { pipeline } from "node:stream/promises";

export interface FileServer {
  /** http://127.0.0.1:PORT */
  readonly url: string;
  stop(): Promise<void>;
}

/** @param content  by name: the path of a file, or a text */
export async function serveFiles(
  content: (url: string) => Readonly<Record<string, { readonly file: string } | { readonly text: string }>>,
): Promise<FileServer> {
  let url = "";
  const server = createServer((request, response) => {
    const found = content(url)[(request.url ?? "").slice(1)];
    if (found === undefined) {
      response.writeHead(404).end();
    } else if ("text" in found) {
      response.writeHead(200, { "content-length": Buffer.byteLength(found.text) }).end(found.text);
    } else {
      response.writeHead(200, { "content-length": statSync(found.file).size });
      if (request.method === "HEAD") response.end();
      // Who goes away before the end comes again.
      else void pipeline(createReadStream(found.file), response).catch(() => undefined);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the file server has no port");
  url = `http://127.0.0.1:${address.port}`;
  return {
    url,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
