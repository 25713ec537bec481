/** By which CAs a proxy that speaks TLS is known, while the process goes on. */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:https";
import { connect, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";

import { answerTo, isProxyError, TunnelAgent } from "../../../src/http/index.ts";
import { createAuthority, type ServerCertificate } from "../../../../../test/registration/authority.ts";
import { startStrangeServer } from "../../../../../test/registry/strange-server.ts";

const { signal } = new AbortController();

async function startTlsProxy(certificate: ServerCertificate): Promise<URL> {
  const server = createServer(certificate).on("connect", ({ url }, socket: Socket) => {
    const [host = "", port] = (url ?? "").split(":");
    const onward = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      socket.pipe(onward).pipe(socket);
    });
    socket.on("error", () => onward.destroy()).on("close", () => onward.destroy());
    onward.on("error", () => socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
  });
  return new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

it("a CA that is added to the system's is known without another start", async () => {
  const folder = mkdtempSync(join(tmpdir(), "proxy-tls-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const bundle = join(folder, "bundle.pem");
  vi.stubEnv("SSL_CERT_FILE", bundle);
  onTestFinished(() => void vi.unstubAllEnvs());
  const [first, company, ofServer] = ["first", "company", "cluster"].map((name) => createAuthority(name));
  const server = await startStrangeServer(
    (_, response) => response.end("x"),
    ofServer?.issue({ names: ["127.0.0.1"] }),
  );
  onTestFinished(server.stop);
  const proxy = await startTlsProxy(company?.issue({ names: ["127.0.0.1"] }) ?? { cert: "", key: "" });
  const ask = async (): Promise<unknown> => {
    const agent = new TunnelAgent({ proxy, ca: ofServer?.certificatePem ?? "" });
    onTestFinished(() => agent.destroy());
    const asked = answerTo(request(`https://${server.host}/`, { agent }).end(), signal);
    return asked.then(
      ({ statusCode }) => statusCode,
      (error: unknown) => (isProxyError(error) ? "the proxy is not trusted" : error),
    );
  };
  const none = `${first?.certificatePem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`;
  writeFileSync(bundle, none);
  expect(await ask()).toBe("the proxy is not trusted");
  writeFileSync(bundle, `${none}${company?.certificatePem}`);
  expect(await ask()).toBe(200);
}, 15_000);
