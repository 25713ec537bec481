/** The configuration that a setting names, over the ways on which this machine's other requests go. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";

import { fetchDocument, InstallError } from "../../../src/install/index.ts";
import { createAuthority } from "../../../../../test/registration/authority.ts";
import { startStrangeServer, type StrangeServer } from "../../../../../test/registry/strange-server.ts";

const PAGE = "rancheros: {install: {device: /dev/sdx}}";
const { signal } = new AbortController();
const authority = createAuthority("the company");

async function startPage(
  listener: RequestListener = (_, response) => response.end(PAGE),
  hasTls = false,
): Promise<StrangeServer> {
  const certificate = hasTls ? authority.issue({ names: ["127.0.0.1", "config.test"] }) : undefined;
  const server = await startStrangeServer(listener, certificate);
  onTestFinished(server.stop);
  return server;
}

function bundleOf(pem: string): string {
  const folder = mkdtempSync(join(tmpdir(), "fetch-document-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "bundle.pem");
  writeFileSync(path, pem);
  return path;
}

/** A proxy for HTTPS that leads to one server, whatever the name. */
async function startTunnel(port: number, asked: string[]): Promise<string> {
  const proxy = createServer().on("connect", ({ url }, socket: Socket) => {
    asked.push(url ?? "");
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
  const address = proxy.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}

async function failing(place: string, environment: Readonly<Record<string, string>>): Promise<InstallError> {
  const failure = await fetchDocument(place, { environment, signal }).catch((error: unknown) => error);
  if (failure instanceof InstallError && failure.code === "INSTALL_CONFIG_UNREADABLE") return failure;
  throw new Error("it did not fail as a configuration that cannot be read", { cause: failure });
}

it("a page without TLS comes through HTTP_PROXY, except where NO_PROXY names its server", async () => {
  const proxy = await startPage();
  const environment = { HTTP_PROXY: `http://${proxy.host}` };
  expect(await fetchDocument("http://config.test/a", { environment, signal })).toBe(PAGE);
  expect(proxy.requests.map(({ url }) => url)).toEqual(["http://config.test/a"]);
  await failing("http://config.invalid/a", { ...environment, NO_PROXY: ".invalid" });
  expect(proxy.requests).toHaveLength(1);
});

it("a page with TLS comes through HTTPS_PROXY, and is known by the system's CAs", async () => {
  const server = await startPage(undefined, true);
  const asked: string[] = [];
  const environment = {
    HTTPS_PROXY: await startTunnel(Number(server.host.split(":")[1]), asked),
    SSL_CERT_FILE: bundleOf(authority.certificatePem),
  };
  expect(await fetchDocument("https://config.test/a", { environment, signal })).toBe(PAGE);
  expect(asked).toEqual(["config.test:443"]);
});

it("a server that no CA of the system vouches for is told as such", async () => {
  const server = await startPage(undefined, true);
  const known = { SSL_CERT_FILE: bundleOf(authority.certificatePem) };
  expect(await fetchDocument(`https://${server.host}/`, { environment: known, signal })).toBe(PAGE);
  const other = { SSL_CERT_FILE: bundleOf(createAuthority("another").certificatePem) };
  const { message, mend } = await failing(`https://${server.host}/`, other);
  expect(message).toContain(`the certificate of ${server.host} is not trusted (UNABLE_TO_GET_ISSUER_CERT_LOCALLY)`);
  expect(mend).toContain("update-ca-certificates");
});

it("a proxy that refuses is named, and its password is not shown, nor that of one of another scheme", async () => {
  const proxy = await startPage((_, response) => response.writeHead(407).end());
  const refused = await failing("http://config.test/a?token=canary", {
    HTTP_PROXY: `http://user:canary@${proxy.host}`,
  });
  expect(refused.message).toBe(
    `the configuration at http://config.test cannot be fetched: the proxy ${proxy.host}: HTTP 407`,
  );
  const none = await failing("http://config.test/a", { HTTP_PROXY: "socks5://user:canary@127.0.0.1:1080" });
  expect(none.message).toContain("HTTP_PROXY is not the address of an HTTP proxy");
  expect(none.message).not.toContain("canary");
});

it("a page that has moved is fetched where it is now, and one that moves in a circle is given up", async () => {
  const server = await startPage(({ url }, response) => {
    if (url === "/new") response.end(PAGE);
    else response.writeHead(302, { location: url === "/old" ? "new" : "/circle" }).end("moved");
  });
  expect(await fetchDocument(`http://${server.host}/old`, { environment: {}, signal })).toBe(PAGE);
  expect((await failing(`http://${server.host}/circle`, {})).message).toContain("it leads on more than 10 times");
  expect(server.requests).toHaveLength(2 + 11);
});

it("a page leads to no file of this machine", async () => {
  const server = await startPage((_, response) => response.writeHead(302, { location: "file:///etc/hostname" }).end());
  const { message } = await failing(`http://${server.host}/`, {});
  expect(message).toContain("it leads to something that is no http or https");
});

it.each([
  ["more than 1 MiB", "x".repeat(1024 * 1024 + 1), "more than 1 MiB"],
  ["nothing", " \n", "it is empty"],
  ["a web page", "<!DOCTYPE html>", "it is a web page"],
])("%s is no configuration", async (_what, page, sentence) => {
  const server = await startPage((_, response) => response.end(page));
  expect((await failing(`http://${server.host}/`, {})).message).toContain(sentence);
});
