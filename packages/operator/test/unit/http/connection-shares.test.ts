/** Connections of one address that say nothing keep out none from another. */
import { once } from "node:events";
import { get } from "node:http";
import { get as getOverTls } from "node:https";
import { connect, type Socket } from "node:net";
import { afterEach, expect, it } from "vitest";
import { createAuthority } from "../../../../../test/software-tpm/index.ts";
import { listenForMachines, type MachineListener } from "../../../src/http/io/machine-listener.ts";

const LIMIT = 8;
const [CROWD, OTHER] = ["127.0.0.1", "127.0.0.9"];
let listener: MachineListener | undefined;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await listener?.stop(0);
});

async function listening(tls?: { readonly cert: string; readonly key: string }): Promise<number> {
  const answer = async () => ({ status: 200, body: "well\n", headers: {} });
  const handlers = {
    endpoint: {
      answer,
      refuseBroken: () => ({ status: 400, body: "", headers: {} }),
      visit: async () => ({ answer: await answer() }),
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

/** Who has ended after a while. */
async function endedOf(held: readonly Socket[]): Promise<number[]> {
  await new Promise((resolve) => setTimeout(resolve, 100));
  return held.flatMap(({ closed }, index) => (closed ? [index] : []));
}

const { pem, key } = createAuthority("server", undefined, { keyType: "ec" });
const material = { cert: pem, key: key.export({ type: "pkcs8", format: "pem" }) };

it.each([
  ["without TLS", undefined],
  ["with TLS", material],
])("a machine from elsewhere is answered, and the newest of the crowd ends: %s", async (_how, tls) => {
  const port = await listening(tls);
  const held = await crowd(port, LIMIT);
  const options = { host: "127.0.0.1", port, localAddress: OTHER, agent: false };
  const asked = tls === undefined ? get(options) : getOverTls({ ...options, rejectUnauthorized: false });
  const [response] = (await once(asked, "response")) as [{ readonly statusCode: number; resume(): void }];
  response.resume();
  expect(response.statusCode).toBe(200);
  expect(await endedOf(held)).toEqual([LIMIT - 1]);
});

it("one more of the crowd ends at once, and all may have the same", async () => {
  const port = await listening();
  const held = await crowd(port, LIMIT + 2);
  expect(await endedOf(held)).toEqual([LIMIT, LIMIT + 1]);
  const others = await crowd(port, LIMIT, OTHER);
  expect(await endedOf(others)).toEqual([4, 5, 6, 7]);
  expect(await endedOf(held)).toEqual([4, 5, 6, 7, 8, 9]);
});

it("those that have ended make room", async () => {
  const port = await listening();
  for (let round = 0; round < 3; round += 1) {
    const held = await crowd(port, LIMIT);
    expect(await endedOf(held)).toEqual([]);
    for (const socket of held) socket.destroy();
    await endedOf(held);
  }
});
