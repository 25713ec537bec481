/** A visit takes one answer as honest clients send it, and holds and does little for frames beyond that. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
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

beforeAll(async () => {
  const visits = createVisits();
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => undefined);
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
