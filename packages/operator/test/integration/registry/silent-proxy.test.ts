/** A proxy that did not answer for a while: what was asked of it in vain does not stand in the way afterwards. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { expect, it, onTestFinished } from "vitest";
import { createRegistryClient } from "../../../src/registry/io/registry-client.ts";

/** All that one registry gets. */
const CONNECTIONS = 4;
/** Ten seconds, and what undici's own clock takes. */
const FREE_AGAIN_MS = 20_000;

it("is asked anew long before the five minutes that undici gives a CONNECT", async () => {
  let isSilent = true;
  const open = new Set<Duplex>();
  const proxy = createServer().on("connect", (_request, socket: Duplex) => {
    open.add(socket);
    socket.on("error", () => undefined).on("end", () => socket.destroy());
    socket.on("close", () => open.delete(socket));
    if (!isSilent) socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
  });
  await once(proxy.listen(0, "127.0.0.1"), "listening");
  const environment = { HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
  const client = createRegistryClient({ caPem: undefined, environment });
  onTestFinished(async () => {
    await client.close();
    proxy.close();
  });
  const ask = (timeoutMs: number): Promise<unknown> =>
    client.send({
      method: "GET",
      url: new URL("https://registry.test/v2/"),
      headers: {},
      bodyLimitBytes: 1_000,
      timeoutMs,
      signal: undefined,
    });

  const inVain = await Promise.allSettled(Array.from({ length: CONNECTIONS }, () => ask(500)));
  expect(inVain).toEqual(
    Array.from({ length: CONNECTIONS }, () => ({
      status: "rejected",
      reason: expect.objectContaining({ code: "REGISTRY_TIMEOUT" }) as unknown,
    })),
  );
  expect(open.size).toBe(CONNECTIONS);

  isSilent = false;
  await expect(ask(FREE_AGAIN_MS)).rejects.toMatchObject({
    code: "REGISTRY_UNREACHABLE",
    message: expect.stringContaining("does not let the operator through (HTTP 403)") as string,
  });
  await expect.poll(() => open.size).toBe(0);
});
