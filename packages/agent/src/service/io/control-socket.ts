/** The agent's socket, for root only: a line with a request, a line with its answer. */
import { systemCode } from "@rancheros/protocol/errors";
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { dirname } from "node:path";

import { FilesError, whyRefused } from "../../files/index.ts";
import { CONTROL_MAX_BYTES } from "../control-message.ts";
import { requireOwnFolder } from "./own-folder.ts";

export interface ControlServer {
  close(): void;
}

export interface ServeTimes {
  /** For a line to come, and for its answer to be taken. */
  readonly idleMs: number;
  /** How often it is said that an answer is on its way. */
  readonly signOfLifeMs: number;
}

export interface AskTimes {
  /** Without an answer or a sign of life. */
  readonly silenceMs: number;
  /** In all, however often it is said that the answer is on its way. */
  readonly limitMs: number;
}

export type Asked =
  | { readonly kind: "answered"; readonly line: string }
  /** Nobody listens. */
  | { readonly kind: "nobody" }
  /** The line was sent, and what became of it nobody knows. */
  | { readonly kind: "unanswered"; readonly cause: unknown };

const SERVE_TIMES: ServeTimes = { idleMs: 30_000, signOfLifeMs: 10_000 };
/** JSON may begin with any number of them, and so each reader of an answer takes them. */
const SIGN_OF_LIFE = " ";
const CONNECTIONS_MAX = 16;
/** Source: unix(7), sun_path, without the byte that ends it */
const PATH_MAX_BYTES = 107;

/**
 * Whoever holds the agent's lock may take the place of a socket that was left.
 * @param answer  gives JSON, never rejects, and takes the time that it takes: it has deadlines of its own
 * @throws FilesError FILES_PATH_TOO_LONG, FILES_FOLDER_SHARED; what the file system says
 */
export async function serveControl(
  path: string,
  answer: (line: string) => Promise<string>,
  { idleMs, signOfLifeMs }: ServeTimes = SERVE_TIMES,
): Promise<ControlServer> {
  requireShort(path);
  requireOwnFolder(dirname(path));
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  rmSync(path, { force: true });
  const reply = async (socket: Socket, line: string): Promise<void> => {
    socket.setTimeout(0);
    const signs = setInterval(() => socket.write(SIGN_OF_LIFE), signOfLifeMs);
    socket.once("close", () => clearInterval(signs));
    const text = await answer(line);
    clearInterval(signs);
    socket.setTimeout(idleMs);
    socket.end(`${text}\n`);
  };
  const server = createServer((socket) => {
    socket.setTimeout(idleMs);
    socket.on("timeout", () => socket.destroy());
    socket.on("error", () => socket.destroy());
    void readLine(socket).then(
      (line) => reply(socket, line),
      () => socket.destroy(),
    );
  });
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    // Until then nobody else may connect either: that takes leave to write, which umask gives nobody.
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
 * @throws FilesError FILES_UNREADABLE for whoever may not ask, FILES_PATH_TOO_LONG; anything where somebody listens and cannot be
 *         spoken with, and nothing was sent
 */
export async function askControl(path: string, line: string, { silenceMs, limitMs }: AskTimes): Promise<Asked> {
  requireShort(path);
  const socket = connect(path);
  socket.setTimeout(silenceMs, () => socket.destroy(new Error(`no sign of life for ${silenceMs / 1000} s`)));
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
  } catch (error) {
    socket.destroy();
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ECONNREFUSED") return { kind: "nobody" };
    if (code === "EACCES" || code === "EPERM") {
      const message = `${path} cannot be used: ${whyRefused(error)}`;
      throw new FilesError("FILES_UNREADABLE", message, { cause: error, details: { path } });
    }
    throw error;
  }
  const late = setTimeout(() => socket.destroy(new Error(`no answer within ${limitMs / 1000} s`)), limitMs);
  try {
    socket.write(`${line}\n`);
    return { kind: "answered", line: await readLine(socket) };
  } catch (cause) {
    return { kind: "unanswered", cause };
  } finally {
    clearTimeout(late);
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
