/** What is at the other end of the tunnel does one thing wrong at a time: a websocket server of ours, on loopback. */
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createServer as createNetServer, type AddressInfo, type Server } from "node:net";
import { afterEach, expect, it } from "vitest";
import { WebSocketServer, type WebSocket } from "ws";
import { createAuthority } from "../../../../../test/registration/authority.ts";
import { encodeVarint } from "../../../src/tunnel/varint.ts";
import {
  MESSAGE_MAX_BYTES,
  MESSAGE_MAX_FRAGMENTS,
  openTunnel,
  type TunnelSession,
} from "../../../src/tunnel/io/tunnel-session.ts";
import type { TunnelError } from "../../../src/tunnel/errors.ts";

const TIMES = { dialMs: 60_000, pingMs: 50, silentMs: 1_000, syncMs: 100 };
const CONNECT = Buffer.concat([...[1n, 5n, 2n, 15_000n].map(encodeVarint), Buffer.from("tcp/not.used:80")]);
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listen(server: Server): Promise<string> {
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/connect`;
}

async function open(
  url: string,
  accept: () => void = () => undefined,
  times = TIMES,
  caPem?: string,
): Promise<TunnelSession> {
  return openTunnel({
    target: { url, token: "t", caPem },
    accept,
    remoteAddress: "tunnel",
    signal: new AbortController().signal,
    times,
  });
}

/** Opens a tunnel to a server that then does this; what ended it. */
async function endingOf(act: (socket: WebSocket) => void, options = {}): Promise<TunnelError> {
  const server = createServer();
  new WebSocketServer({ server, ...options }).on("connection", (socket) => {
    socket.on("error", () => undefined);
    act(socket);
  });
  return (await open(await listen(server))).ended;
}

/** One byte in each; the last does not come. */
function sendInPieces(socket: WebSocket): void {
  for (let sent = 0; sent <= MESSAGE_MAX_FRAGMENTS; sent += 1) socket.send("x", { binary: true, fin: false });
}

const endings: readonly (readonly [string, (socket: WebSocket) => void, string])[] = [
  ["says something in words", (socket) => socket.send("hello"), "TUNNEL_FRAME_INVALID"],
  ["sends bytes that are no frame", (socket) => socket.send(Buffer.alloc(40, 0xff)), "TUNNEL_FRAME_INVALID"],
  ["sends nothing in a message", (socket) => socket.send(Buffer.alloc(0)), "TUNNEL_FRAME_INVALID"],
  [
    "asks for one connection twice",
    (socket) => [CONNECT, CONNECT].forEach((one) => socket.send(one)),
    "TUNNEL_FRAME_INVALID",
  ],
  [
    "sends more than a message may have",
    (socket) => socket.send(Buffer.alloc(MESSAGE_MAX_BYTES + 1)),
    "TUNNEL_FRAME_INVALID",
  ],
  ["sends a message in more frames than it may have", sendInPieces, "TUNNEL_FRAME_INVALID"],
  ["closes", (socket) => socket.close(), "TUNNEL_ENDED"],
  ["is gone", (socket) => socket.terminate(), "TUNNEL_ENDED"],
];

it.each(endings)("a tunnel ends when the other side %s", async (_what, act, code) => {
  expect((await endingOf(act)).code).toBe(code);
});

it("a tunnel ends when nothing is heard of the other side any more", async () => {
  expect((await endingOf(() => undefined, { autoPong: false })).code).toBe("TUNNEL_TIMEOUT");
});

it("a tunnel lives on pongs alone, and tells which connections it has", async () => {
  const server = createServer();
  const told: string[] = [];
  let pings = 0;
  new WebSocketServer({ server }).on("connection", (socket) => {
    socket.send(CONNECT);
    socket.on("ping", () => (pings += 1));
    socket.on("message", (data: Buffer) => told.push(data.subarray(-8).toString("hex")));
  });
  let accepted = 0;
  const session = await open(await listen(server), () => (accepted += 1));
  await expect
    .poll(() => pings, { timeout: 25_000, interval: 20 })
    .toBeGreaterThan((1.5 * TIMES.silentMs) / TIMES.pingMs);
  expect(accepted).toBe(1);
  expect(told.length).toBeGreaterThan(1);
  expect(new Set(told)).toEqual(new Set(["0500000000000000"]));
  session.close();
  expect((await session.ended).code).toBe("TUNNEL_ENDED");
  expect(session.connections).toBe(0);
});

it("a tunnel lives on where its own process stood still for longer than the other side may be silent", async () => {
  const server = createServer();
  let pings = 0;
  new WebSocketServer({ server }).on("connection", (socket) => socket.on("ping", () => (pings += 1)));
  const session = await open(await listen(server));
  await expect.poll(() => pings, { timeout: 25_000, interval: 20 }).toBeGreaterThan(1);
  // Both ends: the pong lies unread while the timers are due.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1.5 * TIMES.silentMs);
  const before = pings;
  await expect.poll(() => pings, { timeout: 25_000, interval: 20 }).toBeGreaterThan(before + 2);
  session.close();
  expect((await session.ended).code).toBe("TUNNEL_ENDED");
});

it("a frame that comes with the answer to the dial is not lost", async () => {
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request, socket, head) => {
    socket.cork();
    sockets.handleUpgrade(request, socket, head, (webSocket) => webSocket.send(CONNECT));
    setImmediate(() => socket.uncork());
  });
  const accepted = Promise.withResolvers<void>();
  const session = await open(await listen(server), accepted.resolve);
  await accepted.promise;
  session.close();
  expect((await session.ended).code).toBe("TUNNEL_ENDED");
});

const answers: readonly (readonly [string, string, string])[] = [
  ["nothing", "", "TUNNEL_TIMEOUT"],
  ["a page", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "TUNNEL_REFUSED"],
  [
    "another place",
    "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    "TUNNEL_REFUSED",
  ],
  ["no HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n", "TUNNEL_FRAME_INVALID"],
  [
    "an upgrade for somebody else",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
    "TUNNEL_FRAME_INVALID",
  ],
];

it.each(answers)("a dial that is answered with %s fails", async (_what, answer, code) => {
  const server = createNetServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      if (answer !== "") socket.write(answer);
    });
  });
  const times = { ...TIMES, ...(code === "TUNNEL_TIMEOUT" ? { dialMs: 300 } : {}) };
  await expect(open(await listen(server), undefined, times)).rejects.toMatchObject({ code });
});

it("a dial to nobody fails", async () => {
  await expect(open("ws://127.0.0.1:1/")).rejects.toMatchObject({ code: "TUNNEL_UNREACHABLE" });
});

it.each(["that CA", "Rancher's own certificate"])(
  "a dial believes a certificate that comes from an intermediate CA, and alone, where the Secret has %s",
  async (given) => {
    const root = createAuthority("root");
    const intermediate = root.intermediate("intermediate");
    const served = intermediate.issue({ names: ["127.0.0.1"] });
    const server = createTlsServer(served);
    new WebSocketServer({ server }).on("connection", () => undefined);
    const url = (await listen(server)).replace("ws:", "wss:");
    const session = await open(url, undefined, TIMES, given === "that CA" ? intermediate.certificatePem : served.cert);
    session.close();
    expect((await session.ended).code).toBe("TUNNEL_ENDED");
    await expect(open(url, undefined, TIMES, root.certificatePem)).rejects.toMatchObject({ code: "TUNNEL_UNTRUSTED" });
  },
);
