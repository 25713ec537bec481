/** Bodies that are begun and not ended take no honest machine's place. */
import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createBodyReader, type ReadBody } from "../../../src/http/io/body-reader.ts";

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
  [received, results] = [0, []];
  server.on("request", (asked, response) => {
    asked.on("data", (part: Buffer) => {
      received += part.length;
    });
    const answer = async (): Promise<void> => {
      const result = await bodies.read(asked);
      results.push(result);
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
