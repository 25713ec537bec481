/** Bodies that are begun and not ended take no honest machine's place. */
import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { connect, type Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createBodyReader, type ReadBody } from "../../../src/http/io/body-reader.ts";
import { BODY_PARTS_MAX } from "../../../src/http/limits.ts";

/** All bodies together may have 16 MiB. */
const LARGE = { bytes: 60 * 1024, count: 270 };
const SMALL = { bytes: 1024, count: 400 };
const HONEST = "x".repeat(8 * 1024);

const server = createServer();
const hanging: Socket[] = [];
let port: number;
let received: number;
let results: ReadBody[];

beforeEach(async () => {
  const bodies = createBodyReader();
  // What a test leaves hanging may end after it.
  const ended: ReadBody[] = [];
  [received, results] = [0, ended];
  server.on("request", (asked, response) => {
    asked.on("data", (part: Buffer) => {
      received += part.length;
    });
    const answer = async (): Promise<void> => {
      const result = await bodies.read(asked);
      ended.push(result);
      response.writeHead(typeof result === "string" ? 429 : 200, { connection: "close" });
      response.end(typeof result === "string" ? result : result.toString());
    };
    void answer();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address() as AddressInfo);
});

afterEach(async () => {
  for (const socket of hanging.splice(0)) socket.destroy();
  server.removeAllListeners("request");
  await new Promise((resolve) => server.close(resolve));
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Says that it sends one byte more than it does. */
function begin(bytes: number): void {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.resume();
  socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes + 1}\r\n\r\n${"x".repeat(bytes)}`);
  hanging.push(socket);
}

async function send(text: string): Promise<string> {
  const asking = request({ port, host: "127.0.0.1", method: "POST" });
  asking.end(text);
  const [response] = (await once(asking, "response")) as [NodeJS.ReadableStream];
  let answer = "";
  for await (const part of response) answer += String(part);
  return answer;
}

it("an honest request is read while others have begun as many as there may be, and the oldest of them makes room", async () => {
  for (const { bytes, count } of [LARGE, SMALL]) {
    const before = received;
    for (let begun = 0; begun < count; begun += 1) begin(bytes);
    await until(() => received === before + bytes * count);
  }
  expect(results).toContain("too many");
  expect(await send(HONEST)).toBe(HONEST);
  // And as many of the others are let be as there may be.
  expect(results.filter((one) => one === "too many").length).toBeLessThan(10);
});

/** What is alive. */
function liveBytes(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc()");
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Begins a body, and sends it in chunks of one byte each, the one that ends it left out. */
async function beginInChunks(chunks: number): Promise<Socket> {
  const before = received;
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  const head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  socket.write(head + "1\r\nx\r\n".repeat(chunks));
  hanging.push(socket);
  await until(() => received >= before + chunks || results.length > 0);
  return socket;
}

it("a body in many small pieces is read, and costs little more memory than it has bytes", async () => {
  const pieces = 4000;
  const bodies = 20;
  const before = liveBytes();
  for (let begun = 0; begun < bodies; begun += 1) await beginInChunks(pieces);
  expect((liveBytes() - before) / bodies).toBeLessThan(100_000);
  for (const socket of hanging) socket.write("0\r\n\r\n");
  await until(() => results.length === bodies);
  expect(results.map(String)).toEqual(Array.from({ length: bodies }, () => "x".repeat(pieces)));
});

it("a body in more pieces than any line cuts it into is refused", async () => {
  const socket = await beginInChunks(BODY_PARTS_MAX + 1);
  await once(socket.resume(), "close");
  expect(results).toEqual(["too large"]);
});
