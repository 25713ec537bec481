/** What is sent along with a question is not kept while the question waits for its answer. */
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { SERVER_LIMITS, serveMachines } from "../../../src/http/io/machine-server.ts";
import type { ProtocolRequest } from "../../../src/http/protocol-endpoint.ts";

const server = createServer(SERVER_LIMITS);
let asked: ProtocolRequest[];

beforeAll(async () => {
  const answer = { status: 200, body: "{}", headers: {} };
  serveMachines(server, {
    endpoint: { answer: async () => answer, refuseBroken: () => answer, visit: async () => ({ answer }) },
    protocol: {
      async answer(request) {
        asked.push(request);
        return answer;
      },
    },
    boot: { respond: () => undefined },
    nowMs: Date.now,
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

beforeEach(() => {
  asked = [];
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** @returns all that is answered until the connection ends, or until there are so many answers */
async function say(text: string, answers: number): Promise<string> {
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, "127.0.0.1");
  let said = "";
  socket.setEncoding("latin1").write(text);
  for await (const part of socket) {
    said += String(part);
    if (said.split("HTTP/1.1 200 OK").length > answers) break;
  }
  return said;
}

const request = (method: string, step: string, more: string, body: string) =>
  `${method} /v2-rancheros/${step} HTTP/1.1\r\nHost: x\r\n${more}\r\n${body}`;
const long = "x".repeat(60_000);
const chunked = `${long.length.toString(16)}\r\n${long}\r\n0\r\n\r\n`;

it.each([
  ["GET", "machine", `Content-Length: ${long.length}\r\n`, long],
  ["GET", "plan", "Transfer-Encoding: chunked\r\n", chunked],
  ["DELETE", "machine", `Content-Length: ${long.length}\r\n`, long],
  ["GET", "machine", "Content-Length: 99999999999\r\n", long],
])("%s %s is answered without what comes with it, and its connection ends: %s", async (method, step, more, body) => {
  const said = await say(request(method, step, more, body) + request("GET", "machine", "", ""), 2);
  expect(said.split("HTTP/1.1 200 OK")).toHaveLength(2);
  expect(said).toMatch(/^connection: close\r$/im);
  expect(asked[0]?.method).toBe(method);
  for (const one of asked) expect(one.body).toEqual(Buffer.alloc(0));
});

it.each(["", "Content-Length: 0\r\n"])("a question without anything leaves its connection open: %j", async (more) => {
  const said = await say(request("GET", "machine", more, "").repeat(2), 2);
  expect(said.split("HTTP/1.1 200 OK")).toHaveLength(3);
  expect(asked.map(({ body }) => body)).toEqual([Buffer.alloc(0), Buffer.alloc(0)]);
});

it("what a machine says of itself is read", async () => {
  for (const method of ["POST", "PUT"]) await say(request(method, "report", "Content-Length: 4\r\n", "body"), 1);
  expect(asked.map(({ body }) => String(body))).toEqual(["body", "body"]);
});
