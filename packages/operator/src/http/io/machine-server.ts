/** What a server for machines does with requests: limits before parsing, then plain answers or visits. */
import { STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { BAD_HANDSHAKE, type Answer } from "../answer.ts";
import { HANDSHAKE_TIMEOUT_MS, HEADER_MAX_BYTES, smbiosOfHeaders } from "@rancheros/protocol/messages";
import { CHECK_INTERVAL_MS, KEEP_ALIVE_MS, LAST_WORD_MS } from "../limits.ts";
import type { MachineRequest } from "../legacy-parts.ts";
import type { MachineEndpoint } from "../machine-endpoint.ts";
import { isProtocolTarget, type ProtocolEndpoint } from "../protocol-endpoint.ts";
import { isBootPath } from "../../boot/index.ts";
import { pathOf } from "../route.ts";
import { endAnswer, HEARD, onRequest } from "./answer-turns.ts";
import type { BootResponder } from "./boot-response.ts";
import { createBodyReader } from "./body-reader.ts";
import { createVisits } from "./challenge-session.ts";

/** What Node itself enforces. */
export const SERVER_LIMITS = {
  ...HEARD,
  maxHeaderSize: HEADER_MAX_BYTES,
  headersTimeout: HANDSHAKE_TIMEOUT_MS,
  requestTimeout: HANDSHAKE_TIMEOUT_MS,
  keepAliveTimeout: KEEP_ALIVE_MS,
  connectionsCheckingInterval: CHECK_INTERVAL_MS,
  insecureHTTPParser: false,
  // RFC 9110 section 7.8: an offer of another protocol, such as h2c, is passed over, not refused.
  shouldUpgradeCallback: (request: IncomingMessage) => request.headers.upgrade?.toLowerCase() === "websocket",
} as const;

export interface MachineHandlers {
  readonly endpoint: MachineEndpoint;
  readonly protocol: ProtocolEndpoint;
  readonly boot: BootResponder;
  /** The cluster's time: machines are told by it how far their clocks are off. */
  readonly nowMs: () => number;
}

export interface MachineServing {
  /** From now on each connection ends with its next answer; new ones are taken still. */
  endConnections(): void;
  /** The same, and machines that are in the middle of a visit are told to come back. */
  closeVisits(): void;
}

function single(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === "string" ? header : header?.[0];
}

function machineRequest(request: IncomingMessage): MachineRequest {
  return {
    method: request.method ?? "",
    target: request.url ?? "/",
    authorization: single(request.headers.authorization),
    smbios: smbiosOfHeaders(request.headers),
    nonce: single(request.headers["x-cattle-nonce"]),
    remoteAddress: request.socket.remoteAddress,
  };
}

/** @param isLast  no further request is taken on this connection */
function send(response: ServerResponse, answer: Answer, isLast: boolean): void {
  // RFC 9110 section 8.6: the length in a 304 would be that of the answer which it stands for.
  const length = answer.status === 304 ? {} : { "content-length": Buffer.byteLength(answer.body) };
  const ending = isLast ? { connection: "close" } : {};
  response.writeHead(answer.status, { ...answer.headers, ...length, ...ending });
  endAnswer(response, answer.body);
}

/** An answer on the socket of an upgrade request, which then ends. */
function sendRaw(socket: Duplex, answer: Answer): void {
  const headers = Object.entries({
    ...answer.headers,
    "content-length": String(Buffer.byteLength(answer.body)),
    connection: "close",
  });
  const status = `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ""}`;
  endWith(
    socket,
    `${[status, ...headers.map(([name, value]) => `${name}: ${value}`)].join("\r\n")}\r\n\r\n${answer.body}`,
  );
}

/**
 * Says the last word and closes. The server's sockets stay half open when we end them, and one that nobody reads stays
 * for ever: what still comes is thrown away, and who does not close in time is cut off.
 */
function endWith(socket: Duplex, text: string): void {
  socket.end(text);
  socket.resume();
  const late = setTimeout(() => socket.destroy(), LAST_WORD_MS);
  socket.once("close", () => clearTimeout(late));
}

/** RFC 6455 section 4.2.1: what makes a request an upgrade to websocket that we can take. */
function isWebsocketHandshake(request: IncomingMessage): boolean {
  const key = request.headers["sec-websocket-key"] ?? "";
  return request.headers["sec-websocket-version"] === "13" && /^[+/0-9A-Za-z]{22}==$/.test(key);
}

/** @param server  made with SERVER_LIMITS */
export function serveMachines(
  server: Server | HttpsServer,
  { endpoint, protocol, boot, nowMs }: MachineHandlers,
): MachineServing {
  const visits = createVisits();
  const bodies = createBodyReader();
  let isEnding = false;

  onRequest(server, (request, response) => {
    response.setHeader("date", new Date(nowMs()).toUTCString());
    if (isBootPath(pathOf(request.url ?? "/"))) boot.respond(request, response);
    else if (isProtocolTarget(request.url ?? "/")) void answerProtocol(request, response);
    else void endpoint.answer(machineRequest(request)).then((answer) => send(response, answer, isEnding));
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Without a listener a reset of the other side would end the process.
    socket.on("error", () => socket.destroy());
    // It came with one request too many.
    if (socket.destroyed) return;
    void beginVisit(request, socket, head);
  });

  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    // Only a broken or late request can be answered in HTTP; a reset or a TLS handshake that failed cannot.
    const code = error.code ?? "";
    const answerable = socket.writable && (code.startsWith("HPE_") || code === "ERR_HTTP_REQUEST_TIMEOUT");
    if (answerable) sendRaw(socket, endpoint.refuseBroken(socket.remoteAddress, code));
    else socket.destroy();
  });

  async function answerProtocol(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url: target = "/", headers, socket } = request;
    const read = await bodies.read(request);
    if (read === "broken") {
      response.destroy();
      return;
    }
    const answer = await protocol.answer({
      method,
      target,
      authorization: single(headers.authorization),
      contentType: single(headers["content-type"]),
      ifNoneMatch: headers["if-none-match"],
      body: read === "unwanted" ? Buffer.alloc(0) : read,
      remoteAddress: socket.remoteAddress,
    });
    // What was not read to its end is not read any more.
    send(response, answer, isEnding || typeof read === "string");
  }

  async function beginVisit(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    if (!isWebsocketHandshake(request)) return sendRaw(socket, BAD_HANDSHAKE);
    const result = await endpoint.visit(machineRequest(request));
    if ("answer" in result) return sendRaw(socket, result.answer);
    visits.accept(request, socket, head, result.visit);
  }

  return {
    endConnections() {
      isEnding = true;
    },
    closeVisits() {
      isEnding = true;
      visits.closeAll();
    },
  };
}
