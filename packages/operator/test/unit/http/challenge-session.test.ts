/** A visit takes one answer as honest clients send it, and holds and does little for frames beyond that. */
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, Socket, type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { MESSAGE_MAX_BYTES, MESSAGE_MAX_FRAGMENTS } from "@rancheros/protocol/messages";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { WebSocket } from "ws";
import { createVisits } from "../../../src/http/io/challenge-session.ts";

/** What the Go client's library puts into one frame. */
const GO_FRAME_BYTES = 4096;
const PAYLOAD = "the payload";

const server = createServer();
let answers: string[];
let ends: unknown[];
/** The visit's end of the connection. */
let connection: Socket | undefined;

beforeAll(async () => {
  const visits = createVisits();
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => undefined);
    connection = socket instanceof Socket ? socket : undefined;
    visits.accept(request, socket, head, {
      challenge: Buffer.from("the challenge"),
      onChallenged: () => undefined,
      checkAnswer: (message) => void answers.push(Buffer.from(message).toString()),
      payload: async () => PAYLOAD,
      onEnd: (error) => void ends.push(error),
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

beforeEach(() => {
  [answers, ends] = [[], []];
});

afterAll(() => {
  server.close();
});

/** Waits for the challenge, does this, and waits for the end. */
async function visit(act: (socket: WebSocket) => void): Promise<{ readonly code: number; readonly said: string[] }> {
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const said: string[] = [];
  socket.on("message", (data: Buffer) => said.push(data.toString()));
  socket.on("error", () => undefined);
  socket.once("message", () => act(socket));
  const [code] = (await once(socket, "close")) as [number];
  return { code, said };
}

/** One message in frames of so many bytes. */
function sendInFrames(socket: WebSocket, text: string, frameBytes: number): void {
  for (let from = 0; from < text.length; from += frameBytes) {
    socket.send(text.slice(from, from + frameBytes), { binary: true, fin: from + frameBytes >= text.length });
  }
}

it("the longest answer is taken in frames as the Go client's library makes them", async () => {
  const text = "x".repeat(MESSAGE_MAX_BYTES);
  const { code, said } = await visit((socket) => sendInFrames(socket, text, GO_FRAME_BYTES));
  expect({ code, said }).toEqual({ code: 1000, said: ["the challenge", PAYLOAD] });
  expect(answers).toEqual([text]);
  expect(ends).toEqual([undefined]);
});

it.each(["x", ""])("an answer in more frames than honest ones have ends the visit: %j in each", async (inEach) => {
  const { code } = await visit((socket) => {
    for (let sent = 0; sent <= MESSAGE_MAX_FRAGMENTS; sent += 1) {
      socket.send(inEach, { binary: true, fin: sent === MESSAGE_MAX_FRAGMENTS });
    }
  });
  expect(code).toBe(1008);
  expect(answers).toEqual([]);
  expect(ends).toMatchObject([{ code: "SESSION_BROKEN" }]);
});

it("a visit goes on whose line is kept alive from both sides", async () => {
  const { code, said } = await visit((socket) => {
    for (let sent = 0; sent < 5; sent += 1) {
      socket.ping();
      socket.pong();
    }
    socket.send("the answer");
  });
  expect({ code, said }).toEqual({ code: 1000, said: ["the challenge", PAYLOAD] });
  expect(answers).toEqual(["the answer"]);
  expect(ends).toEqual([undefined]);
});

/** Far more than lies on the way while nobody reads. */
const FLOOD_BYTES = 16 * 1024 * 1024;
const READ_AT_MOST_BYTES = 256 * 1024;
const HANDSHAKE = [
  "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket",
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
].join("\r\n");

/** As a client sends it, masked with nothing. */
function frame(opcode: number, payload: string): Buffer {
  return Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0, ...Buffer.from(payload)]);
}
const [BINARY, PING, PONG] = [2, 9, 10];

/** Says this, waits for that, and sends one frame again and again until nothing is read of it any more. */
async function flood(first: Buffer, awaited: string, again: Buffer): Promise<string> {
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  let said = "";
  socket.on("error", () => undefined);
  socket.on("data", (part) => (said += part.toString("latin1")));
  socket.write(Buffer.concat([Buffer.from(HANDSHAKE), first]));
  await expect.poll(() => said).toContain(awaited);
  socket.write(Buffer.alloc(FLOOD_BYTES, again));
  let before = 0;
  for (let same = 0; same < 20; same += 1) {
    await sleep(20);
    if (connection?.bytesRead !== before) same = 0;
    before = connection?.bytesRead ?? 0;
  }
  socket.destroy();
  return said;
}

const NOTHING = Buffer.alloc(0);
it.each([
  ["pongs of nothing", frame(PONG, ""), "SESSION_BROKEN"],
  ["full pings", frame(PING, "x".repeat(125)), "SESSION_BROKEN"],
  ["messages of nothing", frame(BINARY, ""), "SESSION_SECOND_ANSWER"],
])("a flood of %s ends the visit, and is not read to its end", async (_what, again, code) => {
  const said = await flood(NOTHING, "the challenge", again);
  expect(ends).toMatchObject([{ code }]);
  // 1008, as the close frame has it.
  expect(said).toContain("\u{3}\u{f0}a ");
  expect(connection?.bytesRead).toBeLessThan(READ_AT_MOST_BYTES);
});

it("a flood behind an answer that was taken is not read to its end", async () => {
  await flood(frame(BINARY, "the answer"), PAYLOAD, frame(PONG, ""));
  expect(ends).toEqual([undefined]);
  expect(connection?.bytesRead).toBeLessThan(READ_AT_MOST_BYTES);
});
