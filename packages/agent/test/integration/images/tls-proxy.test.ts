/** A proxy that speaks TLS, with a certificate of the same CA as the registry behind it. */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { connect, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";

import { createAuthority } from "../../../../../test/registration/authority.ts";
import { startStrangeServer } from "../../../../../test/registry/strange-server.ts";
import { readTls } from "../../../src/images/io/read-registries.ts";
import { registryRequest } from "../../../src/images/io/registry-request.ts";
import { NO_TLS } from "../../../src/images/registries.ts";

const company = createAuthority("company");

/** Leads to this port, whatever it is asked for. */
async function startTlsProxy(port: number): Promise<string> {
  const proxy = createServer(company.issue({ names: ["127.0.0.1"] })).on("connect", (_request, socket: Socket) => {
    const onward = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      socket.pipe(onward).pipe(socket);
    });
    socket.on("error", () => onward.destroy()).on("close", () => onward.destroy());
    onward.on("error", () => socket.destroy());
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => void proxy.close());
  return `https://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

it("is known by the ca_file of the registry, as with containerd, and by no other registry's", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tls-proxy-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const caFile = join(folder, "ca.pem");
  writeFileSync(caFile, company.certificatePem);
  const registry = await startStrangeServer((_, response) => response.end("x"), company.issue({ names: ["r.test"] }));
  onTestFinished(registry.stop);
  const HTTPS_PROXY = await startTlsProxy(Number(registry.host.split(":")[1]));
  const ask = async (own: { readonly caFile?: string }): Promise<unknown> => {
    const url = new URL("https://r.test/v2/");
    const tls = await readTls({ ...NO_TLS, ...own });
    const limits = { signal: AbortSignal.timeout(30_000), silenceMs: 10_000 };
    const answer = await registryRequest({ url, headers: {}, tls, environment: { HTTPS_PROXY }, ...limits });
    answer.close();
    return answer.status;
  };
  expect(await ask({ caFile })).toBe(200);
  await expect(ask({})).rejects.toMatchObject({
    code: "IMAGE_REGISTRY_UNTRUSTED",
    message: expect.stringContaining("r.test: the proxy's certificate is not trusted") as string,
  });
});
