/** Proxies that let no pull through: it is they who are named, and why. */
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";

import { registryRequest } from "../../../src/images/io/registry-request.ts";

async function startProxy(answer: string): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined).once("data", () => socket.end(answer));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function ask(proxy: string, url = "https://registry.test:5000/v2/"): Promise<unknown> {
  return registryRequest({
    url: new URL(url),
    headers: {},
    tls: { ca: undefined, cert: undefined, key: undefined, skipVerify: false },
    environment: { HTTPS_PROXY: `http://user:hunter2@${proxy}`, HTTP_PROXY: `http://user:hunter2@${proxy}` },
    signal: AbortSignal.timeout(30_000),
    silenceMs: 10_000,
  });
}

describe("a proxy on the way to a registry", () => {
  it.each([
    ["wants another login", "407 Proxy Authentication Required", "it wants a login (HTTP 407)"],
    ["knows no way", "503 Service Unavailable", "it does not let this node through (HTTP 503)"],
  ])("that %s is named with its answer", async (_what, status, sentence) => {
    const proxy = await startProxy(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`);
    await expect(ask(proxy)).rejects.toMatchObject({
      code: "IMAGE_REGISTRY_UNREACHABLE",
      message: `registry.test:5000: the proxy ${proxy}: ${sentence}`,
      details: { host: "registry.test:5000", proxy },
    });
  });

  it("that wants a login for a registry without TLS answers in the registry's place, and is named", async () => {
    const proxy = await startProxy("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    await expect(ask(proxy, "http://registry.test:5000/v2/")).rejects.toMatchObject({
      code: "IMAGE_REGISTRY_UNREACHABLE",
      message: `registry.test:5000: the proxy ${proxy}: it wants a login (HTTP 407)`,
      mend: expect.stringContaining("http://USER:PASSWORD@HOST:PORT") as string,
    });
  });

  it("that hangs up, is not there or has no name is named", async () => {
    const hangsUp = await startProxy("");
    for (const [proxy, sentence] of [
      [hangsUp, "it broke the connection"],
      ["127.0.0.1:1", "nothing listens there: the connection was refused"],
      ["proxy.invalid:3128", "this node's name servers d"],
    ] as const) {
      for (const url of ["https://registry.test:5000/v2/", "http://registry.test:5000/v2/"]) {
        await expect(ask(proxy, url), `${proxy} ${url}`).rejects.toMatchObject({
          code: "IMAGE_REGISTRY_UNREACHABLE",
          message: expect.stringContaining(`registry.test:5000: the proxy ${proxy}: ${sentence}`) as string,
        });
      }
    }
  });
});
