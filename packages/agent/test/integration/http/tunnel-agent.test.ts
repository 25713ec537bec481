/** How long the agent for HTTPS waits for a tunnel, and what it does with one that stands. */
import { once } from "node:events";
import { createServer } from "node:http";
import { request } from "node:https";
import { connect, type AddressInfo, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { beforeAll, expect, it, onTestFinished } from "vitest";

import { answerTo, TunnelAgent } from "../../../src/http/index.ts";
import { createAuthority, type Authority } from "../../../../../test/registration/authority.ts";
import { startSilentServer, startStrangeServer } from "../../../../../test/registry/strange-server.ts";

const { signal } = new AbortController();

let authority: Authority;
beforeAll(() => {
  authority = createAuthority("tunnel");
});

async function startProxy(): Promise<{ readonly url: URL; readonly tunnels: readonly Duplex[] }> {
  const tunnels: Duplex[] = [];
  const server = createServer().on("connect", ({ url }, socket: Duplex) => {
    tunnels.push(socket);
    const [host = "", port] = (url ?? "").split(":");
    const onward = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      socket.pipe(onward).pipe(socket);
    });
    socket.on("end", () => socket.destroy()).on("error", () => undefined);
    socket.on("close", () => onward.destroy());
    onward.on("error", () => socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
  });
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), tunnels };
}

it("ends what does not become a tunnel by itself, and tells the request", async () => {
  const { url: proxy, tunnels } = await startProxy();
  const silent = await startSilentServer();
  onTestFinished(silent.stop);
  const agent = new TunnelAgent({ keepAlive: true, proxy, tunnelMs: 300 });
  const asked = answerTo(request(`https://${silent.host}/`, { agent }).end(), signal);
  await expect(asked).rejects.toMatchObject({ code: "ETIMEDOUT" });
  await expect.poll(() => tunnels.map(({ destroyed }) => destroyed)).toEqual([true]);
}, 20_000);

it("keeps a tunnel that stands for longer than it takes to make one, for the next request too", async () => {
  const { url: proxy, tunnels } = await startProxy();
  // For the tunnel to be made, though the machine stand still meanwhile.
  const tunnelMs = 2_000;
  const server = await startStrangeServer(
    (_, response) => setTimeout(() => response.end("late"), 2 * tunnelMs),
    authority.issue({ names: ["127.0.0.1"] }),
  );
  onTestFinished(server.stop);
  const agent = new TunnelAgent({ keepAlive: true, proxy, tunnelMs, ca: authority.certificatePem });
  onTestFinished(() => agent.destroy());
  for (const _ of ["first", "second"]) {
    const answer = await answerTo(request(`https://${server.host}/`, { agent }).end(), signal);
    expect(await answer.toArray()).toEqual([Buffer.from("late")]);
  }
  expect(tunnels).toHaveLength(1);
});

it("ends the connection to a proxy that does not let it through, whatever the proxy keeps open", async () => {
  const refused: Socket[] = [];
  const server = createServer().on("connect", (_, socket: Socket) => {
    refused.push(socket.on("error", () => undefined));
    socket.resume();
    socket.write("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    for (const socket of refused) socket.destroy();
  });
  const proxy = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const agent = new TunnelAgent({ keepAlive: true, proxy });
  const asked = answerTo(request("https://server.example/", { agent }).end(), signal);
  await expect(asked).rejects.toMatchObject({ code: "ERR_PROXY_TUNNEL", statusCode: 407 });
  await expect.poll(() => refused.map(({ readableEnded }) => readableEnded)).toEqual([true]);
}, 20_000);

it("tells who asks of a client certificate that OpenSSL refuses, before the proxy is asked", async () => {
  const { url: proxy, tunnels } = await startProxy();
  const silent = await startSilentServer();
  onTestFinished(silent.stop);
  const weak = authority.issue({ names: [], rsaBits: 1024 });
  const agent = new TunnelAgent({ proxy, ...weak });
  const ask = async (): Promise<unknown> => answerTo(request(`https://${silent.host}/`, { agent }).end(), signal);
  await expect(ask()).rejects.toMatchObject({ code: "ERR_SSL_EE_KEY_TOO_SMALL" });
  expect(tunnels).toEqual([]);
}, 20_000);
