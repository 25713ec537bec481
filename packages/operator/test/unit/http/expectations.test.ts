/** Who sends an Expect header is answered as all others are, in turn: Node by itself would answer without end. */
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { listenForHealth } from "../../../src/http/io/health-listener.ts";
import { SERVER_LIMITS, serveMachines } from "../../../src/http/io/machine-server.ts";
import { UNANSWERED_MAX } from "../../../src/http/limits.ts";

let asked = 0;
let stop: (() => void) | undefined;

afterEach(() => {
  stop?.();
  asked = 0;
});

/** @returns its port */
async function machines(): Promise<number> {
  const server = createServer(SERVER_LIMITS);
  const answer = async () => {
    asked += 1;
    return { status: 200, body: "well\n", headers: {} };
  };
  serveMachines(server, {
    endpoint: {
      answer,
      refuseBroken: () => ({ status: 400, body: "", headers: {} }),
      visit: async () => ({ answer: await answer() }),
    },
    protocol: { answer },
    boot: { respond: () => undefined },
    nowMs: Date.now,
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  stop = () => void server.close();
  return (server.address() as AddressInfo).port;
}

async function health(): Promise<number> {
  const metrics = async () => {
    asked += 1;
    return { contentType: "text/plain", text: "well\n" };
  };
  const listener = await listenForHealth({ host: "127.0.0.1", port: 0 }, () => [], metrics);
  stop = () => listener.stop();
  return listener.address.port;
}

const asking = (more: string) => `GET /metrics HTTP/1.1\r\nHost: x\r\nExpect: a miracle\r\n${more}\r\n`;

it.each([
  ["machines", machines],
  ["probes", health],
])("%s: once as if it were not there, and a thousand times as anything else", async (_whose, listen) => {
  const port = await listen();
  const one = connect(port, "127.0.0.1");
  let said = "";
  one.setEncoding("latin1").write(asking("Connection: close\r\n"));
  for await (const part of one) said += String(part);
  expect(said).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*well\n/);
  const flood = connect(port, "127.0.0.1");
  flood.on("error", () => undefined);
  // It reads nothing of what it is answered.
  flood.pause().write(asking("").repeat(1_000));
  await once(flood.resume(), "close");
  expect(asked).toBe(1 + UNANSWERED_MAX);
});
