/** The client against the real API server, and against servers that are none. */
import { connectKubernetes, type ConnectOptions, type KubernetesClient } from "@rancheros/agent/kubernetes";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, onTestFinished } from "vitest";
import { issueClientCertificate } from "../../../../../test/control-plane/client-authority.ts";
import { createAuthority } from "../../../../../test/registration/authority.ts";
import { startProxy } from "../../../../../test/registry/strange-server.ts";
import { writeKubeletKubeconfig } from "../../../../../test/control-plane/kubelet-kubeconfig.ts";

const target = inject("controlPlane");
const NEVER = new AbortController().signal;
const VERSION = { method: "GET", path: "/version", signal: NEVER } as const;
const NODES = { method: "GET", path: "/api/v1/nodes", signal: NEVER } as const;

let folder: string;
let strange: Server | undefined;
const clients: KubernetesClient[] = [];
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "client-"));
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  strange?.closeAllConnections();
  strange?.close();
  strange = undefined;
});

async function connect(options: Omit<ConnectOptions, "hostRoot">): Promise<KubernetesClient> {
  const client = await connectKubernetes({ ...options, hostRoot: "/nonexistent" });
  clients.push(client);
  return client;
}

function kubeconfig(cluster: object, user: object): string {
  const file = path.join(folder, "kubeconfig");
  const tree = {
    clusters: [{ name: "c", cluster }],
    users: [{ name: "u", user }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  };
  writeFileSync(file, JSON.stringify(tree), { mode: 0o600 });
  return file;
}

function withCa(caPem = target.caPem): object {
  return { server: target.serverUrl, "certificate-authority-data": Buffer.from(caPem).toString("base64") };
}

async function listenWith(certificate: { readonly cert: string; readonly key: string }, answer: RequestListener) {
  strange = createServer(certificate, answer).listen(0, "127.0.0.1");
  await once(strange, "listening");
  return `https://127.0.0.1:${(strange.address() as AddressInfo).port}`;
}

/** A server that speaks TLS and is no API server. */
async function startStrange(answer: RequestListener): Promise<KubernetesClient> {
  const { certificatePem, keyPem } = issueClientCertificate(target.clientAuthority, { user: "strange", groups: [] });
  const server = await listenWith({ cert: certificatePem, key: keyPem }, answer);
  return connect({ path: kubeconfig({ server, "insecure-skip-tls-verify": true }, { token: "t" }) });
}

describe("the real API server", () => {
  it.each(["kubernetes.default.svc", "10.0.0.1"])(
    "may have a certificate for %s, where tls-server-name says so",
    async (name) => {
      const user = { token: target.adminToken };
      const client = await connect({ path: kubeconfig({ ...withCa(), "tls-server-name": name }, user) });
      expect(await client.send(VERSION)).toMatchObject({ gitVersion: expect.any(String) as unknown });
    },
  );

  it.each(["elsewhere", "10.9.9.9"])("is not believed to be %s, which its certificate does not say", async (name) => {
    const user = { token: target.adminToken };
    const client = await connect({ path: kubeconfig({ ...withCa(), "tls-server-name": name }, user) });
    await expect(client.send(VERSION)).rejects.toMatchObject({ code: "NODE_API_UNTRUSTED" });
  });

  it("knows a token, and says who is unknown and what is forbidden", async () => {
    const admin = await connect({ path: kubeconfig(withCa(), { token: target.adminToken }) });
    expect(await admin.send(VERSION)).toMatchObject({ gitVersion: expect.any(String) as unknown });
    const unknown = await connect({ path: kubeconfig(withCa(), { token: "nobody" }) });
    await expect(unknown.send(VERSION)).rejects.toMatchObject({ code: "NODE_API_UNAUTHORIZED", failure: "refused" });
    const file = path.join(folder, "kubelet");
    writeKubeletKubeconfig(target, "n1", file);
    const kubelet = await connect({ path: file });
    await expect(kubelet.send({ ...NODES, path: "/api/v1/secrets" })).rejects.toMatchObject({
      code: "NODE_API_FORBIDDEN",
      message: expect.stringContaining('User "system:node:n1" cannot list resource "secrets"') as unknown,
    });
  });

  it("is not believed with another CA, unless nobody is to look", async () => {
    const { certificatePem } = issueClientCertificate(target.clientAuthority, { user: "u", groups: [] });
    const user = { token: target.adminToken };
    const other = await connect({ path: kubeconfig(withCa(certificatePem), user) });
    await expect(other.send(VERSION)).rejects.toMatchObject({ code: "NODE_API_UNTRUSTED" });
    const cluster = { server: target.serverUrl, "insecure-skip-tls-verify": true };
    const careless = await connect({ path: kubeconfig(cluster, user) });
    await expect(careless.send(VERSION)).resolves.toBeDefined();
  });

  it("is asked again with the token that lies on the disk by then", async () => {
    const tokenFile = path.join(folder, "token");
    writeFileSync(tokenFile, "old\n");
    const client = await connect({ path: kubeconfig(withCa(), { tokenFile }) });
    await expect(client.send(VERSION)).rejects.toMatchObject({ code: "NODE_API_UNAUTHORIZED" });
    writeFileSync(tokenFile, `${target.adminToken}\n`);
    await expect(Promise.all([client.send(VERSION), client.send(VERSION)])).resolves.toHaveLength(2);
  });

  it("tells by each answer what time it is there", async () => {
    const client = await connect({ path: kubeconfig(withCa(), { token: target.adminToken }) });
    await client.send(VERSION);
    // It runs on this machine, and dates to the second.
    expect(Date.now() - client.serverMs()).toBeGreaterThanOrEqual(-100);
    expect(Date.now() - client.serverMs()).toBeLessThan(3_000);
  });

  it("that is not there is unreachable", async () => {
    const cluster = { server: "https://127.0.0.1:1", "insecure-skip-tls-verify": true };
    const client = await connect({ path: kubeconfig(cluster, {}) });
    await expect(client.send(VERSION)).rejects.toMatchObject({
      code: "NODE_API_UNREACHABLE",
      retry: "backoff",
      message: "nothing listens at the API server 127.0.0.1:1: the connection was refused",
    });
  });
});

describe("a certificate that comes from an intermediate CA, and alone", () => {
  const root = createAuthority("root");
  const intermediate = root.intermediate("intermediate");
  const served = intermediate.issue({ names: ["127.0.0.1"] });

  async function asked(caPem: string): Promise<unknown> {
    const server = await listenWith(served, (_request, response) => void response.end("{}"));
    const client = await connect({ path: kubeconfig({ ...withCa(caPem), server }, { token: "t" }) });
    return client.send(VERSION);
  }

  it.each([
    ["that CA", intermediate.certificatePem],
    ["the server's own certificate", served.cert],
  ])("is trusted where the kubeconfig has %s as its CA, as kubectl does", async (_what, caPem) => {
    expect(await asked(caPem)).toEqual({});
  });

  it.each([
    ["the root CA, from which nothing leads to it", root.certificatePem],
    ["another server's certificate from the same CA", intermediate.issue({ names: ["127.0.0.1"] }).cert],
    ["another CA of that name", root.intermediate("intermediate").certificatePem],
  ])("is not trusted by %s", async (_what, caPem) => {
    await expect(asked(caPem)).rejects.toMatchObject({ code: "NODE_API_UNTRUSTED" });
  });
});

describe("a proxy on the way that speaks TLS", () => {
  const cluster = createAuthority("cluster");
  const served = cluster.issue({ names: ["127.0.0.1"] });

  async function asked(proxyCertificate: { readonly cert: string; readonly key: string }): Promise<unknown> {
    const server = await listenWith(served, (_request, response) => void response.end("{}"));
    const proxy = await startProxy(new URL(server).host, undefined, proxyCertificate);
    onTestFinished(() => proxy.stop());
    const through = { ...withCa(cluster.certificatePem), server, "proxy-url": `https://${proxy.host}` };
    const client = await connect({ path: kubeconfig(through, { token: "t" }) });
    return client.send(VERSION);
  }

  it("is known by the CA of the kubeconfig, as with client-go", async () => {
    expect(await asked(cluster.issue({ names: ["127.0.0.1"] }))).toEqual({});
  });

  it("is not known by another one, and is named", async () => {
    await expect(asked(createAuthority("other").issue({ names: ["127.0.0.1"] }))).rejects.toMatchObject({
      code: "NODE_API_UNTRUSTED",
      message: expect.stringContaining("the certificate of the proxy on the way") as unknown,
    });
  });
});

it("a kubeconfig that is a folder, a pipe or huge is told to be unreadable", async () => {
  const pipe = path.join(folder, "pipe");
  await promisify(execFile)("mkfifo", [pipe]);
  const huge = path.join(folder, "huge");
  writeFileSync(huge, Buffer.alloc(1024 * 1024 + 1, "#"));
  for (const file of [folder, pipe, huge]) {
    await expect(connect({ path: file })).rejects.toMatchObject({ code: "KUBECONFIG_UNREADABLE" });
  }
});

describe("a server that is none", () => {
  it("and hangs is given up, or left at once when asked to", async () => {
    const client = await startStrange(() => undefined);
    await expect(client.send({ ...VERSION, timeoutMs: 200 })).rejects.toMatchObject({ code: "NODE_API_TIMED_OUT" });
    const signal = AbortSignal.timeout(100);
    await expect(client.send({ ...VERSION, signal })).rejects.toMatchObject({ code: "NODE_API_INTERRUPTED" });
  });

  it("and stops in the middle of its answer is unreachable", async () => {
    const client = await startStrange((_request, response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write("{");
      setTimeout(() => response.destroy(), 50);
    });
    await expect(client.send(VERSION)).rejects.toMatchObject({ code: "NODE_API_UNREACHABLE" });
  });

  it("and answers with another protocol is left", async () => {
    const client = await startStrange((request) => {
      request.socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n");
    });
    const asked = client.send({ ...VERSION, timeoutMs: 60_000 });
    await expect(asked).rejects.toMatchObject({ code: "NODE_API_UNREACHABLE" });
  }, 20_000);

  it.each([
    ["ahead", 3_600_000],
    ["behind", -3_600_000],
  ])("and dates its answers an hour %s has its clock followed", async (_where, offMs) => {
    const client = await startStrange((_request, response) => {
      response.setHeader("date", new Date(Date.now() + offMs).toUTCString());
      response.end("{}");
    });
    expect(Math.abs(client.serverMs() - Date.now())).toBeLessThan(1_000);
    await client.send(VERSION);
    expect(Math.abs(client.serverMs() - Date.now() - offMs)).toBeLessThan(5_000);
  });

  it("and floods is cut off", async () => {
    const megabyte = Buffer.alloc(1024 * 1024, " ");
    let sent = 0;
    const client = await startStrange((_request, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(megabyte)) sent++;
      };
      response.on("drain", more);
      more();
    });
    await expect(client.send(VERSION)).rejects.toMatchObject({
      code: "NODE_API_NONSENSE",
      message: "the answer for /version is too large",
    });
    expect(sent).toBeLessThan(200);
  });

  it("and answers HTML or leads elsewhere is told as such, and gets the token nowhere else", async () => {
    const seen: string[] = [];
    const client = await startStrange((request, response) => {
      seen.push(request.url ?? "");
      if (request.url === "/version") response.writeHead(302, { location: "/elsewhere" }).end();
      else response.end("<html>");
    });
    await expect(client.send(VERSION)).rejects.toMatchObject({
      code: "NODE_API_NONSENSE",
      details: { httpStatus: 302 },
    });
    await expect(client.send(NODES)).rejects.toMatchObject({ code: "NODE_API_NONSENSE" });
    expect(seen).toEqual(["/version", "/api/v1/nodes"]);
  });

  it("that closes kept connections does not make a request fail", async () => {
    let requests = 0;
    const client = await startStrange((request, response) => {
      requests++;
      response.end("{}");
      // What is kept is closed in the moment in which it may be used again.
      setTimeout(() => request.socket.destroy(), 20);
    });
    for (let count = 0; count < 20; count++) {
      await client.send(VERSION);
      await new Promise((resolve) => setTimeout(resolve, 18 + (count % 5)));
    }
    expect(requests).toBeGreaterThanOrEqual(20);
  });

  it("but speaks no TLS is told as such", async () => {
    const { createServer: createPlain } = await import("node:http");
    const plain = createPlain((_request, response) => void response.end("hello")).listen(0, "127.0.0.1");
    await once(plain, "listening");
    const { port } = plain.address() as AddressInfo;
    const client = await connect({ path: kubeconfig({ server: `https://127.0.0.1:${port}` }, { token: "t" }) });
    await expect(client.send(VERSION)).rejects.toMatchObject({ code: "NODE_API_NONSENSE" });
    plain.close();
  });
});

it("no error of the client holds the token", async () => {
  const token = "c4n4ry-t0ken";
  const client = await connect({ path: kubeconfig(withCa(), { token }) });
  const error: unknown = await client.send(VERSION).catch((reason: unknown) => reason);
  const { inspect } = await import("node:util");
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(token);
});
