/** What one read of a connection brings may be thousands of requests: Node goes through no more of them than may wait. */
import { randomBytes } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect, type AddressInfo, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterEach, beforeEach, expect, it } from "vitest";
import { listenForHealth } from "../../../src/http/io/health-listener.ts";
import { SERVER_LIMITS, serveMachines, type MachineHandlers } from "../../../src/http/io/machine-server.ts";
import { UNANSWERED_MAX } from "../../../src/http/limits.ts";
import { makeCa, makeServingCertificate } from "../../../src/tls/certificates.ts";

/** Node reads so much at a time. */
const READ_BYTES = 64 * 1024;
/** Node says on it that it has made a request of what it read. */
const MADE = "http.server.request.start";

let made = 0;
let visits = 0;
let stop: (() => void) | undefined;
const count = (): void => {
  made += 1;
};

beforeEach(() => {
  [made, visits] = [0, 0];
  subscribe(MADE, count);
});

afterEach(() => {
  unsubscribe(MADE, count);
  stop?.();
});

const answer = async () => ({ status: 200, body: "well\n", headers: {} });
const HANDLERS: MachineHandlers = {
  endpoint: {
    answer,
    refuseBroken: () => ({ status: 400, body: "", headers: {} }),
    visit: async () => {
      visits += 1;
      return { answer: await answer() };
    },
  },
  protocol: { answer },
  boot: { respond: () => undefined },
  nowMs: Date.now,
};

async function machines(server = createServer(SERVER_LIMITS)): Promise<Socket> {
  serveMachines(server, HANDLERS);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  stop = () => void server.close();
  return connect((server.address() as AddressInfo).port, "127.0.0.1");
}

async function machinesByTls(): Promise<Socket> {
  const ca = makeCa(Date.now(), randomBytes);
  const { certificatePem: cert, keyPem: key } = makeServingCertificate(ca, ["x.example"], Date.now(), randomBytes);
  const server = createTlsServer({ ...SERVER_LIMITS, cert, key });
  const socket = await machines(server);
  return connectTls({ socket, rejectUnauthorized: false });
}

async function probes(): Promise<Socket> {
  const metrics = async () => ({ contentType: "text/plain", text: "" });
  const listener = await listenForHealth({ host: "127.0.0.1", port: 0 }, () => [], metrics);
  stop = () => listener.stop();
  return connect(listener.address.port, "127.0.0.1");
}

/** @returns what the connection was answered until it ended */
async function said(socket: Socket, text: string): Promise<string> {
  let answers = "";
  socket.on("error", () => undefined);
  socket.setEncoding("latin1").on("data", (part: string) => {
    answers += part;
  });
  socket.write(text);
  // Not by once, which throws where the connection is reset.
  await new Promise((resolve) => socket.once("close", resolve));
  return answers;
}

const WITH_HOST = "GET / HTTP/1.1\r\nHost:\r\n\r\n";
const WITHOUT_HOST = "GET / HTTP/1.1\r\n\r\n";
const WITH_BODY = "PUT / HTTP/1.1\r\nHost:\r\nContent-Length: 1\r\n\r\nx";
const EXPECTING = "GET / HTTP/1.1\r\nHost:\r\nExpect: 100-continue\r\n\r\n";

it.each([
  ["http", "that say a host", machines, WITH_HOST],
  ["http", "that say none", machines, WITHOUT_HOST],
  ["http", "with bodies", machines, WITH_BODY],
  ["http", "that expect to be told to go on", machines, EXPECTING],
  ["https", "that say a host", machinesByTls, WITH_HOST],
  ["https", "that say none", machinesByTls, WITHOUT_HOST],
  ["health", "that say a host", probes, WITH_HOST],
  ["health", "that say none", probes, WITHOUT_HOST],
])(
  "%s: of thousands of requests %s no more are made than may wait, and the one too many",
  async (_on, _which, open, request) => {
    await said(await open(), request.repeat(READ_BYTES / request.length));
    expect(made).toBe(UNANSWERED_MAX + 1);
  },
);

it("what comes with one too many begins no visit", async () => {
  const handshake = `GET /v1-rancheros/registration/x HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n`;
  const key = `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}\r\n\r\n`;
  await said(await machines(), WITH_HOST.repeat(UNANSWERED_MAX + 1) + handshake + key);
  expect(visits).toBe(0);
});

it.each([
  ["machines", machines],
  ["probes", probes],
])(
  "%s: a request without a host is refused, as RFC 9112 section 3.2 has it, and its connection ends",
  async (_whose, open) => {
    const answers = await said(await open(), WITHOUT_HOST);
    expect(answers).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n(?:.*\r\n)*Connection: close\r\n/i);
  },
);

it("one after the other, as many are answered as are asked, with and without bodies", async () => {
  const socket = await machines();
  for (let asked = 0; asked < 3 * UNANSWERED_MAX; asked += 1) {
    socket.write(asked % 2 === 0 ? WITH_BODY : WITH_HOST);
    const [part] = (await once(socket, "data")) as [Buffer];
    expect(part.toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  }
  socket.destroy();
});

it("HTTP/1.0 knows no host", async () => {
  const answers = await said(await machines(), "GET / HTTP/1.0\r\n\r\n");
  expect(answers).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*well\n$/);
});
