/** By which CAs a proxy that speaks TLS is known, while the process goes on. */
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:https";
import { connect, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates } from "node:tls";
import { expect, it, onTestFinished, vi } from "vitest";

import { answerTo, isProxyError, TunnelAgent } from "../../../src/http/index.ts";
import type { TunnelOptions } from "../../../src/http/io/tunnel-agent.ts";
import { createAuthority, type Authority, type ServerCertificate } from "../../../../../test/registration/authority.ts";
import { startStrangeServer, type StrangeServer } from "../../../../../test/registry/strange-server.ts";

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

/** @returns the server's status, or whose fault it was that there is none */
async function ask(server: StrangeServer, options: TunnelOptions): Promise<unknown> {
  const agent = new TunnelAgent(options);
  onTestFinished(() => agent.destroy());
  const asked = answerTo(request(`https://${server.host}/`, { agent }).end(), signal);
  return asked.then(
    ({ statusCode }) => statusCode,
    (error: unknown) => (isProxyError(error) ? "the proxy is not trusted" : error),
  );
}

async function startServer(authority: Authority): Promise<StrangeServer> {
  const certificate = authority.issue({ names: ["127.0.0.1"] });
  const server = await startStrangeServer((_, response) => response.end("x"), certificate);
  onTestFinished(server.stop);
  return server;
}

it("a CA that is given for it is not trusted by who was not given it, nor for the server behind", async () => {
  const [company, cluster] = [createAuthority("company"), createAuthority("cluster")];
  const [ofCluster, ofCompany] = [await startServer(cluster), await startServer(company)];
  const proxy = await startTlsProxy(company.issue({ names: ["127.0.0.1"] }));
  const proxyCa = `of the company\n${company.certificatePem}`;
  const [given, others] = await Promise.all([
    ask(ofCluster, { proxy, proxyCa, ca: cluster.certificatePem }),
    ask(ofCluster, { proxy, ca: cluster.certificatePem }),
  ]);
  expect(given).toBe(200);
  expect(others).toBe("the proxy is not trusted");
  expect(await ask(ofCompany, { proxy, proxyCa, ca: cluster.certificatePem })).toMatchObject({
    code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  });
  const trusted = getCACertificates("default").map((pem) => new X509Certificate(pem).fingerprint256);
  expect(trusted).not.toContain(company.fingerprint);
});

it("a CA that is added to the system's is known without another start", async () => {
  const folder = mkdtempSync(join(tmpdir(), "proxy-tls-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const bundle = join(folder, "bundle.pem");
  vi.stubEnv("SSL_CERT_FILE", bundle);
  onTestFinished(() => void vi.unstubAllEnvs());
  const [first, company, ofServer] = [createAuthority("first"), createAuthority("company"), createAuthority("cluster")];
  const server = await startServer(ofServer);
  const options = {
    proxy: await startTlsProxy(company.issue({ names: ["127.0.0.1"] })),
    ca: ofServer.certificatePem,
  };
  const none = `${first.certificatePem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`;
  writeFileSync(bundle, none);
  expect(await ask(server, options)).toBe("the proxy is not trusted");
  writeFileSync(bundle, `${none}${company.certificatePem}`);
  expect(await ask(server, options)).toBe(200);
});
