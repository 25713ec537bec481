/** Who asks how the operator is gets an answer, whoever else holds connections open. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, expect, it } from "vitest";
import { listenForHealth, type HealthListener } from "../../../src/http/io/health-listener.ts";

const LIMIT = 8;
let listener: HealthListener | undefined;
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  listener?.stop();
});

async function listening(): Promise<HealthListener> {
  const metrics = async () => ({ contentType: "text/plain", text: "" });
  listener = await listenForHealth({ host: "127.0.0.1", port: 0 }, () => [], metrics, LIMIT);
  return listener;
}

/** A client that says nothing. */
async function idle(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  sockets.push(socket);
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

it("a probe is answered while others hold as many connections as there may be, and the oldest of them ends", async () => {
  const { address } = await listening();
  const held: Socket[] = [];
  for (let count = 0; count < LIMIT; count += 1) held.push(await idle(address.port));
  const [oldest, ...others] = held;
  const closed = once(oldest!, "close");
  oldest!.resume();
  const answer = await fetch(`http://127.0.0.1:${address.port}/healthz`);
  expect([answer.status, await answer.text()]).toEqual([200, "ok\n"]);
  await closed;
  // It did not end because it had been silent for too long: then the others would have, too.
  expect(others.map((socket) => socket.destroyed)).toEqual(others.map(() => false));
});

it("connections that have ended make room: those that are left are let be", async () => {
  const { address } = await listening();
  const kept = await idle(address.port);
  for (let count = 0; count < 3 * LIMIT; count += 1) {
    const socket = await idle(address.port);
    socket.resume();
    const closed = once(socket, "close");
    socket.end();
    await closed;
  }
  const answer = await fetch(`http://127.0.0.1:${address.port}/healthz`);
  expect(answer.status).toBe(200);
  expect(kept.destroyed).toBe(false);
  kept.resume();
  kept.write("GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  await once(kept, "close");
  expect(kept.bytesRead).toBeGreaterThan(0);
});
