/** A proxy that takes connections and lets nothing through: Node shows a request neither its time-out nor its signal until the tunnel stands. */
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { registryRequest } from "../../../src/images/io/registry-request.ts";
import { openConnection } from "../../../src/kubernetes/io/https-connection.ts";
import { httpGet } from "../../../src/registration/io/http-get.ts";
import { connectServer } from "../../../src/registration/io/server-connection.ts";
import { openWebsocket } from "../../../src/registration/io/websocket.ts";

const ESTABLISHED = "HTTP/1.1 200 Connection established\r\n\r\n";
const SOON_MS = 300;
const NEVER_MS = 600_000;

let server: Server;
let proxy = new URL("http://127.0.0.1/");
let answer = "";
let open = new Set<Socket>();
let dialled = 0;

beforeEach(async () => {
  open = new Set();
  dialled = 0;
  server = createServer((socket) => {
    open.add(socket);
    dialled += 1;
    socket.on("error", () => undefined).on("close", () => open.delete(socket));
    socket.once("data", () => answer !== "" && socket.write(answer));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  proxy = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});
afterEach(() => {
  for (const socket of open) socket.destroy();
  server.close();
});

const url = new URL("https://server.example.com/");
const tls = { ca: undefined, cert: undefined, key: undefined, skipVerify: false };

async function noneOpen(): Promise<void> {
  await expect.poll(() => open.size).toBe(0);
  expect(dialled).toBeGreaterThan(0);
}

// Each has less time than the half minute after which a tunnel that nobody breaks off is given up.
describe.each([
  ["answers nothing", ""],
  ["makes a tunnel to nowhere", ESTABLISHED],
])("a proxy that %s", (_what, said) => {
  beforeEach(() => {
    answer = said;
  });

  it("is left by whoever pulls an image when nothing comes for too long", async () => {
    const { signal } = new AbortController();
    const asked = registryRequest({
      url,
      headers: {},
      tls,
      environment: { HTTPS_PROXY: proxy.href },
      signal,
      silenceMs: SOON_MS,
    });
    await expect(asked).rejects.toMatchObject({ code: "IMAGE_REGISTRY_UNREACHABLE" });
    await noneOpen();
  }, 20_000);

  it("is left by whoever pulls an image when that is broken off", async () => {
    const signal = AbortSignal.timeout(SOON_MS);
    const environment = { HTTPS_PROXY: proxy.href };
    const asked = registryRequest({ url, headers: {}, tls, environment, signal, silenceMs: NEVER_MS });
    await expect(asked).rejects.toMatchObject({ code: "IMAGE_INTERRUPTED" });
    await noneOpen();
  }, 20_000);

  it("is left by whoever asks the operator for its CA", async () => {
    const signal = AbortSignal.timeout(SOON_MS);
    const asked = httpGet({ url, proxy, ca: undefined, verification: "none", maxBodyBytes: 1_000, signal });
    await expect(asked).rejects.toMatchObject({ code: "REGISTRATION_UNREACHABLE" });
    await noneOpen();
  }, 20_000);

  it("is left by whoever attests to the operator", async () => {
    const connection = connectServer({ url, proxy, ca: undefined });
    const signal = AbortSignal.timeout(SOON_MS);
    const request = { method: "POST", url, headers: {}, body: Buffer.from("{}"), maxBodyBytes: 1_000, signal } as const;
    await expect(connection.send(request)).rejects.toMatchObject({ code: "REGISTRATION_UNREACHABLE" });
    connection.close();
    await noneOpen();
  }, 20_000);

  it("is left by whoever dials the operator's websocket", async () => {
    const dialSignal = AbortSignal.timeout(SOON_MS);
    const { signal } = new AbortController();
    const dialling = openWebsocket({ url, proxy, ca: undefined, headers: {}, maxMessageBytes: 1, dialSignal, signal });
    await expect(dialling).rejects.toMatchObject({ code: "REGISTRATION_UNREACHABLE" });
    await noneOpen();
  }, 20_000);

  it("is left by whoever asks the cluster's API server", async () => {
    const way = { ca: undefined, clientCertificate: undefined, skipTlsVerify: false, tlsServerName: undefined };
    const connection = openConnection({ ...way, proxy });
    const signal = AbortSignal.timeout(SOON_MS);
    const asked = connection.request({ method: "GET", url, headers: {}, body: undefined, maxBodyBytes: 1_000, signal });
    await expect(asked).rejects.toMatchObject({ name: "TimeoutError" });
    connection.close();
    await noneOpen();
  }, 20_000);
});
