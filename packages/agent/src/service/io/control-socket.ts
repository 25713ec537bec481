/** The agent's socket, for root only: a line with a request, a line with its answer. */
import { systemCode } from "@rancheros/protocol/errors";
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { dirname } from "node:path";

import { FilesError, whyRefused } from "../../files/index.ts";
import { CONTROL_MAX_BYTES } from "../control-message.ts";

export interface ControlServer {
  close(): void;
}

const IDLE_MS = 30_000;
const CONNECTIONS_MAX = 16;
/** Source: unix(7), sun_path, without the byte that ends it */
const PATH_MAX_BYTES = 107;

/**
 * Whoever holds the agent's lock may take the place of a socket that was left.
 * @param answer  never rejects
 * @throws FilesError FILES_PATH_TOO_LONG; what the file system says
 */
export async function serveControl(path: string, answer: (line: string) => Promise<string>): Promise<ControlServer> {
  requireShort(path);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  chmodSync(dirname(path), 0o700);
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on("error", () => socket.destroy());
    void readLine(socket).then(
      async (line) => socket.end(`${await answer(line)}\n`),
      () => socket.destroy(),
    );
  });
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    // The folder is for root only before the socket is there.
    server.listen(path, () => {
      chmodSync(path, 0o600);
      resolve();
    });
  });
  return {
    close() {
      server.close();
      rmSync(path, { force: true });
    },
  };
}

/**
 * @returns undefined where nobody listens
 * @throws FilesError FILES_UNREADABLE for whoever may not ask, FILES_PATH_TOO_LONG; anything where somebody listens and does not answer
 */
export async function askControl(path: string, line: string, timeoutMs: number): Promise<string | undefined> {
  requireShort(path);
  const socket = connect(path);
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error("no answer in time")));
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
  } catch (error) {
    socket.destroy();
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ECONNREFUSED") return undefined;
    if (code === "EACCES" || code === "EPERM") {
      const message = `${path} cannot be used: ${whyRefused(error)}`;
      throw new FilesError("FILES_UNREADABLE", message, { cause: error, details: { path } });
    }
    throw error;
  }
  try {
    socket.write(`${line}\n`);
    return await readLine(socket);
  } finally {
    socket.destroy();
  }
}

function requireShort(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= PATH_MAX_BYTES) return;
  const message = `the path of the agent's socket has ${bytes} bytes, and may have ${PATH_MAX_BYTES}: ${path}`;
  throw new FilesError("FILES_PATH_TOO_LONG", message, { details: { path } });
}

function readLine(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    socket.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > CONTROL_MAX_BYTES) {
        reject(new Error("too long a line"));
        return;
      }
      if (chunk.includes(10)) resolve(Buffer.concat(chunks).toString("utf8").split("\n", 1)[0] ?? "");
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("closed before the end of the line")));
  });
}
