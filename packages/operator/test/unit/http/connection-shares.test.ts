/** Connections of one address that say nothing keep out none from another. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { get } from "node:http";
import { get as getOverTls } from "node:https";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectOverTls } from "node:tls";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createAuthority } from "../../../../../test/software-tpm/index.ts";
import { listenForMachines, type MachineListener } from "../../../src/http/io/machine-listener.ts";

const LIMIT = 8;
const [CROWD, OTHER] = ["127.0.0.1", "127.0.0.9"];
let listener: MachineListener | undefined;
const sockets: Socket[] = [];
/** The listener's ends. */
const accepted: Socket[] = [];
/** What is asked for and not answered before the test says so. */
let slow: (() => void)[] = [];

const onAccepted = (message: unknown): void => void accepted.push((message as { readonly socket: Socket }).socket);
beforeEach(() => subscribe("net.server.socket", onAccepted));

afterEach(async () => {
  unsubscribe("net.server.socket", onAccepted);
  accepted.length = 0;
  for (const answer of slow.splice(0)) answer();
  for (const socket of sockets.splice(0)) socket.destroy();
  await listener?.stop(0);
});

async function listening(tls?: { readonly cert: string; readonly key: string }): Promise<number> {
  const answer = async () => ({ status: 200, body: "well\n", headers: {} });
  const large = { status: 200, body: "x".repeat(8 * 1024 * 1024), headers: {} };
  const later = async () => {
    await new Promise<void>((resolve) => slow.push(resolve));
    return answer();
  };
  const handlers = {
    endpoint: {
      answer: async ({ target }: { readonly target: string }) =>
        target === "/slow" ? later() : target === "/large" ? large : answer(),
      refuseBroken: () => ({ status: 400, body: "", headers: {} }),
      visit: async () => ({ answer: await later() }),
    },
    protocol: { answer },
    boot: { respond: () => undefined },
    nowMs: Date.now,
  };
  listener = await listenForMachines({ host: "127.0.0.1", port: 0 }, tls, handlers, LIMIT);
  return listener.address.port;
}

/** A client that says nothing. */
async function idle(port: number, localAddress: string): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", localAddress });
  sockets.push(socket);
  socket.on("error", () => undefined).resume();
  await once(socket, "connect");
  return socket;
}

async function crowd(port: number, count: number, from = CROWD): Promise<Socket[]> {
  const held: Socket[] = [];
  for (let index = 0; index < count; index += 1) held.push(await idle(port, from));
  return held;
}

const ask = (target: string, ...headers: readonly string[]) =>
  [`GET ${target} HTTP/1.1`, "host: operator", ...headers, "", ""].join("\r\n");
const UPGRADE = ask(
  "/",
  "connection: upgrade",
  "upgrade: websocket",
  "sec-websocket-version: 13",
  "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==",
);

/** A client of the crowd that was answered, and keeps its connection. */
async function answered(port: number, isTls = false): Promise<Socket> {
  const options = { port, host: "127.0.0.1", localAddress: CROWD };
  const socket = isTls ? connectOverTls({ ...options, rejectUnauthorized: false }) : connect(options);
  sockets.push(socket);
  socket.on("error", () => undefined).write(ask("/"));
  await once(socket, "data");
  return socket;
}

/** Clients of the crowd whose requests are under way. */
async function unanswered(port: number, count: number, text = ask("/slow")): Promise<Socket[]> {
  const busy = await crowd(port, count);
  for (const socket of busy) socket.write(text);
  await expect.poll(() => slow).toHaveLength(count);
  return busy;
}

/** These end, however long it takes until that is seen, and nobody else in a while. */
async function expectEnded(held: readonly Socket[], those: readonly number[]): Promise<void> {
  const ended = (): readonly number[] => held.flatMap(({ closed }, index) => (closed ? [index] : []));
  await expect.poll(ended).toEqual(those);
  await sleep(100);
  expect(ended()).toEqual(those);
}

/** Who goes has gone once the listener knows it. */
async function untilOpen(count: number): Promise<void> {
  await expect.poll(() => accepted.filter(({ closed }) => !closed)).toHaveLength(count);
}

const { pem, key } = createAuthority("server", undefined, { keyType: "ec" });
const material = { cert: pem, key: key.export({ type: "pkcs8", format: "pem" }) };

it.each([
  ["without TLS", undefined],
  ["with TLS", material],
])(
  "a machine from elsewhere is answered, and who has said nothing for longest of the crowd ends: %s",
  async (_how, tls) => {
    const port = await listening(tls);
    const held = await crowd(port, LIMIT);
    const options = { host: "127.0.0.1", port, localAddress: OTHER, agent: false };
    const asked = tls === undefined ? get(options) : getOverTls({ ...options, rejectUnauthorized: false });
    const [response] = (await once(asked, "response")) as [{ readonly statusCode: number; resume(): void }];
    response.resume();
    expect(response.statusCode).toBe(200);
    await expectEnded(held, [0]);
  },
);

it("one more of the crowd takes the place of one of the crowd, and all may have the same", async () => {
  const port = await listening();
  const held = await crowd(port, LIMIT + 2);
  await expectEnded(held, [0, 1]);
  const others = await crowd(port, LIMIT, OTHER);
  await expectEnded(others, [0, 1, 2, 3]);
  await expectEnded(held, [0, 1, 2, 3, 4, 5]);
});

it("those that have ended make room", async () => {
  const port = await listening();
  for (let round = 0; round < 3; round += 1) {
    const held = await crowd(port, LIMIT);
    await expectEnded(held, []);
    for (const socket of held) socket.destroy();
    await untilOpen(0);
  }
});

it.each([
  ["without TLS", undefined],
  ["with TLS", material],
])("of the crowd's connections, those end that have asked nothing yet: %s", async (_how, tls) => {
  const port = await listening(tls);
  const kept = [await answered(port, tls !== undefined)];
  const silent = await crowd(port, LIMIT - 2);
  kept.push(await answered(port, tls !== undefined));
  await crowd(port, 2, OTHER);
  await expectEnded(silent, [0, 1]);
  await expectEnded(kept, []);
});

it("those that wait for another question make room where all have asked something, and none whose answer is under way", async () => {
  const port = await listening();
  const kept = [await answered(port), await answered(port), await answered(port), await answered(port)];
  const busy = await unanswered(port, LIMIT - 4);
  const others = await crowd(port, LIMIT, OTHER);
  await expectEnded(others, [0, 1, 2, 3, 4, 5]);
  await expectEnded(kept, [0, 1]);
  await expectEnded(busy, []);
  const answers = Promise.all(busy.map(async (socket) => once(socket, "data")));
  for (const answer of slow.splice(0)) answer();
  expect((await answers).map(([data]) => String(data).split("\r\n", 1)[0])).toEqual(busy.map(() => "HTTP/1.1 200 OK"));
  // They are as all others from then on.
  for (const socket of [...kept, ...others]) socket.destroy();
  await untilOpen(busy.length);
  await unanswered(port, LIMIT - 4);
  await crowd(port, 1, OTHER);
  await expectEnded(busy, [0]);
});

it("who asks at once is answered beside others of the same address that say nothing, however fast they come", async () => {
  const port = await listening();
  for (let round = 0; round < 5; round += 1) {
    const before = await crowd(port, LIMIT);
    const honest = await answered(port);
    const after = await crowd(port, LIMIT - 1);
    await expectEnded([honest], []);
    for (const socket of [...before, honest, ...after]) socket.destroy();
  }
});

it("who comes last ends where something is under way with all, as with websockets", async () => {
  const port = await listening();
  const visits = await unanswered(port, LIMIT, UPGRADE);
  await expectEnded(await crowd(port, 2, OTHER), [0, 1]);
  await expectEnded(visits, []);
});

it("an upgrade that is refused makes room, where who asked for it does not go", async () => {
  const port = await listening();
  for (let index = 0; index < LIMIT; index += 1) {
    const socket = connect({ port, host: "127.0.0.1", localAddress: CROWD, allowHalfOpen: true });
    sockets.push(socket);
    socket.on("error", () => undefined).write(ask("/", "connection: upgrade", "upgrade: websocket"));
    const [data] = (await once(socket, "data")) as [Buffer];
    expect(String(data)).toMatch(/^HTTP\/1.1 4/);
  }
  await expectEnded(await crowd(port, 1, OTHER), []);
});

it("an answer that nobody takes makes room where all else is under way, and none that is not made yet", async () => {
  const port = await listening();
  const busy = await unanswered(port, LIMIT - 2);
  const unread = await crowd(port, 2);
  for (const socket of unread) {
    socket.pause();
    socket.write(ask("/large"));
    await once(socket, "readable");
  }
  const others = await crowd(port, 4, OTHER);
  await expectEnded(others, [0, 1, 2]);
  for (const socket of unread) socket.resume();
  await expect.poll(() => unread.map(({ closed }) => closed)).toEqual([true, false]);
  await expectEnded(busy, []);
});

it("a request whose body does not come is no request yet", async () => {
  const port = await listening();
  const held = await crowd(port, LIMIT);
  for (const socket of held) socket.write(ask("/slow", "content-length: 5"));
  await expect.poll(() => slow).toHaveLength(LIMIT);
  await expectEnded(await crowd(port, 1, OTHER), []);
  await expectEnded(held, [0]);
});
