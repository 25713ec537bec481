/** A server that answers a plain request with another protocol: HTTP 101, after which Node says nothing any more. */
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { registryRequest } from "../../../src/images/io/registry-request.ts";
import { httpGet } from "../../../src/registration/io/http-get.ts";
import { connectServer } from "../../../src/registration/io/server-connection.ts";

const ANSWER = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n";

let server: Server;
let url = new URL("http://127.0.0.1/");
beforeAll(async () => {
  server = createServer((socket) => {
    socket.on("error", () => undefined).once("data", () => socket.write(ANSWER));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});
afterAll(() => {
  server.close();
});

const signal = new AbortController().signal;
const way = { proxy: undefined, ca: undefined };

describe("a server that answers with another protocol", () => {
  it("is left by whoever pulls an image", async () => {
    const tls = { ca: undefined, cert: undefined, key: undefined, skipVerify: false };
    const asked = registryRequest({ url, headers: {}, tls, environment: {}, signal, silenceMs: 60_000 });
    await expect(asked).rejects.toMatchObject({ code: "IMAGE_REGISTRY_UNREACHABLE" });
  }, 20_000);

  it("is left by whoever asks it for its CA", async () => {
    const asked = httpGet({ ...way, url, verification: "none", maxBodyBytes: 1_000, signal });
    await expect(asked).rejects.toMatchObject({ code: "REGISTRATION_UNREACHABLE" });
  }, 20_000);

  it("is left by whoever attests to it", async () => {
    const connection = connectServer({ ...way, url });
    const request = { method: "POST", url, headers: {}, body: Buffer.from("{}"), maxBodyBytes: 1_000, signal } as const;
    await expect(connection.send(request)).rejects.toMatchObject({ code: "REGISTRATION_UNREACHABLE" });
    connection.close();
  }, 20_000);
});
