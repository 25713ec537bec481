/** A registration server that plays its part as each test wants: honest, silent, confused or hostile, step by step. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createHttpsServer, Server as HttpsServer } from "node:https";
import type { Duplex } from "node:stream";
import {
  decodeChallengeResponse,
  encodeChallenge,
  parseAttestationHeader,
  parseSmbiosHeader,
  type AttestationData,
  type SmbiosTree,
} from "@rancheros/protocol/messages";
import { objectName } from "@rancheros/protocol/tpm";
import { WebSocketServer, type WebSocket } from "ws";

import type { ServerCertificate } from "../../../../test/registration/authority.ts";
import { makeCredential } from "../../../../test/registration/make-credential.ts";

export const TOKEN = "5c297kgwjrs55qwml529phv4fjv2lx66b7mwtlxs9k4k768dkfhpnc";
export const PATH = `/v1-rancheros/registration/${TOKEN}`;
const MAX_HEADER_BYTES = 40 * 1024;

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** One machine's websocket. */
export interface Visit {
  readonly socket: WebSocket;
  /** Below the websocket, for what is no websocket. */
  readonly wire: Duplex;
  readonly attestation: AttestationData;
  readonly smbios: SmbiosTree | undefined;
  /** Sends a challenge with a new secret. @param akName  other than the machine's own */
  readonly challenge: (akName?: Buffer) => Promise<Buffer>;
  /** The machine's next message. */
  readonly next: () => Promise<Buffer>;
}

export interface Part {
  /** Instead of opening a websocket; undefined opens it. */
  readonly refuse?: (request: IncomingMessage, visitNumber: number) => Reply | undefined;
  readonly visit?: (visit: Visit) => Promise<void>;
  /** For plain requests, by path. */
  readonly pages?: Readonly<Record<string, Reply>>;
}

export interface RegistrationServer {
  readonly port: number;
  /** Upgrade requests that came. */
  readonly dials: readonly IncomingMessage[];
  /** Machines that answered their challenge rightly: what a real operator would make an inventory for. */
  readonly proven: readonly AttestationData[];
  play(part: Part): void;
  /** From now on with this certificate. */
  present(tls: ServerCertificate): void;
  stop(): Promise<void>;
}

export const CONFIG = {
  rancherd: { role: "server", server: "https://rancher.example.test", token: "tpm://" },
  rancheros: { install: { automatic: true, device: "/dev/sda" } },
  users: [{ name: "root", passwd: "canary-of-the-config" }],
} as const;

export const CONFIG_MESSAGE = `${JSON.stringify(CONFIG)}\n`;

/** What an honest operator does, to the end. */
export async function honest(visit: Visit): Promise<void> {
  const secret = await visit.challenge();
  const answer = decodeChallengeResponse(await visit.next());
  if (!answer.secret.equals(secret)) return visit.socket.close(1008, "the answer is not the secret");
  visit.socket.send(CONFIG_MESSAGE, { binary: true });
  visit.socket.close(1000);
}

export const HONEST_PAGES: NonNullable<Part["pages"]> = {
  [PATH]: { status: 200, body: `#cloud-config\nrancheros:\n    install:\n        device: /dev/sda\n` },
};

/** @param tls  undefined for a server without TLS */
export async function startRegistrationServer(tls: ServerCertificate | undefined): Promise<RegistrationServer> {
  const options = { maxHeaderSize: MAX_HEADER_BYTES };
  const server: Server = tls === undefined ? createHttpServer(options) : createHttpsServer({ ...options, ...tls });
  const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const dials: IncomingMessage[] = [];
  const proven: AttestationData[] = [];
  const connections = new Set<{ destroy(): void }>();
  let part: Part = {};

  server.on("connection", (socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
  });
  server.on("request", (request, response) => {
    const page = part.pages?.[request.url ?? ""] ?? { status: 401, body: "MachineRegistration does not exist\n" };
    response.writeHead(page.status, { ...page.headers }).end(page.body);
  });
  server.on("upgrade", (request: IncomingMessage, socket, head) => {
    socket.on("error", () => socket.destroy());
    dials.push(request);
    const reply = part.refuse?.(request, dials.length);
    if (reply !== undefined) {
      const headers = Object.entries({ ...reply.headers, "content-length": String(Buffer.byteLength(reply.body)) });
      socket.write(
        `HTTP/1.1 ${reply.status} X\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`,
      );
      socket.end(reply.body);
      return;
    }
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on("error", () => undefined);
      const visit = receive(webSocket, socket, request, (attestation) => proven.push(attestation));
      (part.visit ?? honest)(visit).catch(() => webSocket.terminate());
    });
  });

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: portOf(server),
    dials,
    proven,
    play(next) {
      part = next;
      dials.length = 0;
      proven.length = 0;
    },
    present(certificate) {
      if (server instanceof HttpsServer) server.setSecureContext(certificate);
    },
    async stop() {
      for (const connection of connections) connection.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** The port on which a server listens. */
export function portOf(server: { address(): unknown }): number {
  const address = server.address();
  if (typeof address === "object" && address !== null && "port" in address) return Number(address.port);
  throw new TypeError("the server does not listen on a port");
}

function receive(
  socket: WebSocket,
  wire: Duplex,
  request: IncomingMessage,
  onProven: (who: AttestationData) => void,
): Visit {
  const attestation = parseAttestationHeader(request.headers.authorization ?? "");
  const smbios = request.headers["x-cattle-smbios"];
  let expected: Buffer | undefined;
  return {
    socket,
    wire,
    attestation,
    smbios: typeof smbios === "string" ? parseSmbiosHeader(smbios) : undefined,
    async challenge(akName = objectName(attestation.ak.public)) {
      expected = randomBytes(32);
      socket.send(encodeChallenge(await makeCredential(attestation.ek, akName, expected)), { binary: true });
      return expected;
    },
    async next() {
      const message = await new Promise<Buffer>((resolve, reject) => {
        socket.once("message", (data) => resolve(Buffer.isBuffer(data) ? data : Buffer.alloc(0)));
        socket.once("close", () => reject(new Error("the machine left")));
      });
      if (expected !== undefined && decodeChallengeResponse(message).secret.equals(expected)) onProven(attestation);
      return message;
    },
  };
}
