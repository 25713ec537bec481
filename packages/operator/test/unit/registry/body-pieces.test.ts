/** A registry that answers in chunks of one byte fills no memory with them. */
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createRegistryClient } from "../../../src/registry/io/registry-client.ts";

const PIECES = 300_000;
const HEAD = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
let answering: Socket | undefined;

const server = createServer((socket) => {
  answering = socket;
  socket.on("error", () => undefined);
  socket.once("data", () => socket.write(HEAD + "1\r\nx\r\n".repeat(PIECES)));
});
const client = createRegistryClient({ caPem: undefined, environment: {} });

beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(async () => {
  await client.close();
  server.close();
});

function liveBytes(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc()");
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

it("holds little more than the bytes of an answer, in however many pieces it comes", async () => {
  const before = liveBytes();
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v2/`);
  const limits = { bodyLimitBytes: 4 * PIECES, timeoutMs: 20_000, signal: undefined };
  const asked = client.send({ method: "GET", url, headers: {}, ...limits });
  await expect.poll(() => answering?.writableLength, { timeout: 15_000 }).toBe(0);
  // What lies between the two ends.
  await sleep(500);
  expect(liveBytes() - before).toBeLessThan(20 * PIECES);
  answering?.write("0\r\n\r\n");
  const { body } = await asked;
  expect(body.equals(Buffer.alloc(PIECES, "x"))).toBe(true);
}, 30_000);
