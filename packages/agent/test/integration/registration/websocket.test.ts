/** A server that cuts its messages into pieces: as Go's library does, or so that they fill the machine's memory. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { MESSAGE_MAX_BYTES, MESSAGE_MAX_FRAGMENTS } from "@rancheros/protocol/messages";
import { afterEach, beforeEach, expect, it } from "vitest";
import { WebSocketServer } from "ws";

import { openWebsocket, type Received } from "../../../src/registration/io/websocket.ts";

/** What Go's library puts into one frame. */
const GO_FRAME_BYTES = 4096;

let server: WebSocketServer;

beforeEach(async () => {
  server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
});
afterEach(() => {
  for (const client of server.clients) client.terminate();
  server.close();
});

/** What comes of a message of so many bytes in frames of so many. */
async function receivedOf(bytes: number, frameBytes: number): Promise<Received> {
  server.on("connection", (socket) => {
    socket.on("error", () => undefined);
    for (let from = 0; from < bytes; from += frameBytes) {
      const frame = "x".repeat(Math.min(frameBytes, bytes - from));
      socket.send(frame, { binary: true, fin: from + frameBytes >= bytes });
    }
  });
  const { signal } = new AbortController();
  const dialled = await openWebsocket({
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`),
    proxy: undefined,
    ca: undefined,
    headers: {},
    maxMessageBytes: MESSAGE_MAX_BYTES,
    dialSignal: signal,
    signal,
  });
  if (dialled.kind !== "open") throw new Error("the server did not open the websocket");
  try {
    return await dialled.socket.receive();
  } finally {
    dialled.socket.drop();
  }
}

it("the longest message is taken in frames as Go's library makes them", async () => {
  const bytes = Buffer.alloc(MESSAGE_MAX_BYTES, "x");
  expect(await receivedOf(MESSAGE_MAX_BYTES, GO_FRAME_BYTES)).toEqual({ kind: "message", bytes });
});

it("a message in more frames than honest ones have is refused, however short it is", async () => {
  await expect(receivedOf(MESSAGE_MAX_FRAGMENTS + 1, 1)).rejects.toMatchObject({ code: "REGISTRATION_NONSENSE" });
});
