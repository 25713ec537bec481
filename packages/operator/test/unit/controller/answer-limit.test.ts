/** An API server, or what stands before it, whose answer does not end. */
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { KubeConfig } from "@kubernetes/client-node";
import { afterAll, beforeAll, expect, it } from "vitest";
import { connectKubernetes } from "../../../src/controller/index.ts";

const LIMIT_BYTES = 64 * 1024 * 1024;
const PIECE = Buffer.alloc(1024 * 1024, " ");
let server: Server;
let sentBytes = 0;

beforeAll(async () => {
  server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    const send = (): void => {
      while (!response.destroyed) {
        sentBytes += PIECE.length;
        if (!response.write(PIECE)) break;
      }
    };
    response.on("drain", send);
    send();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

it("an answer in chunks, which says no length, is broken off where it is larger than any", async () => {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  sentBytes = 0;
  const config = new KubeConfig();
  const cluster = { name: "c", server: `http://127.0.0.1:${address.port}`, skipTLSVerify: true };
  config.loadFromClusterAndUser(cluster, { name: "u" });
  const asked = connectKubernetes(config).send({ method: "GET", path: "/api/v1/nodes", timeoutMs: 60_000 });
  await expect(asked).rejects.toMatchObject({ code: "KUBERNETES_NONSENSE", cause: { name: "RangeError" } });
  expect(sentBytes).toBeLessThan(2 * LIMIT_BYTES);
});
