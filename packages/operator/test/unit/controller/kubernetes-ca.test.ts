/** An API server whose certificate comes from an intermediate CA, and alone. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAuthority } from "../../../../../test/registration/authority.ts";
import { startProxy, startStrangeServer, type StrangeServer } from "../../../../../test/registry/strange-server.ts";
import { connectKubernetes, loadKubeConfig } from "../../../src/controller/index.ts";

const root = createAuthority("root");
const intermediate = root.intermediate("intermediate");
const served = intermediate.issue({ names: ["127.0.0.1"] });
let folder: string;
let server: StrangeServer;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "kubernetes-ca-"));
  server = await startStrangeServer((_request, response) => {
    response.setHeader("content-type", "application/json").end("{}");
  }, served);
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

function asked(caPem: string, more: object = {}, files = 1): Promise<unknown> {
  const ca = Buffer.from(caPem).toString("base64");
  const cluster = { server: `https://${server.host}`, "certificate-authority-data": ca, ...more };
  const content = {
    clusters: [{ name: "c", cluster }],
    users: [{ name: "u", user: { token: "t" } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  };
  const file = path.join(folder, "kubeconfig");
  writeFileSync(file, JSON.stringify(content));
  const config = loadKubeConfig(...Array.from({ length: files }, () => file));
  return connectKubernetes(config).send({ method: "GET", path: "/version" });
}

/** undici refuses to speak TLS with a proxy that has an address for a name. */
const nameOf = (proxy: StrangeServer): string => `https://localhost:${new URL(`https://${proxy.host}`).port}`;

describe("is trusted, as with client-go, where the kubeconfig has as its CA", () => {
  it.each([
    ["that CA", intermediate.certificatePem],
    ["the server's own certificate", served.cert],
  ])("%s, from one file or of several", async (_what, caPem) => {
    expect(await asked(caPem)).toEqual({});
    expect(await asked(caPem, {}, 2)).toEqual({});
  });

  it("that CA, through a proxy", async () => {
    const proxy = await startProxy(server.host);
    try {
      expect(await asked(intermediate.certificatePem, { "proxy-url": `http://${proxy.host}` })).toEqual({});
      expect(proxy.targets).toEqual([server.host]);
    } finally {
      await proxy.stop();
    }
  });

  it("that CA, through a proxy that speaks TLS and has a certificate of that CA as well", async () => {
    const proxy = await startProxy(server.host, undefined, intermediate.issue({ names: ["localhost"] }));
    try {
      expect(await asked(intermediate.certificatePem, { "proxy-url": nameOf(proxy) })).toEqual({});
      expect(proxy.targets).toEqual([server.host]);
    } finally {
      await proxy.stop();
    }
  });
});

it("is not asked through a proxy that speaks TLS and is known by no CA", async () => {
  const proxy = await startProxy(server.host, undefined, createAuthority("other").issue({ names: ["localhost"] }));
  try {
    const answer = asked(intermediate.certificatePem, { "proxy-url": nameOf(proxy) });
    await expect(answer).rejects.toMatchObject({ code: "KUBERNETES_UNREACHABLE" });
    expect(proxy.targets).toEqual([]);
  } finally {
    await proxy.stop();
  }
});

it.each([
  ["the root CA, from which nothing leads to it", root.certificatePem],
  ["another server's certificate from the same CA", intermediate.issue({ names: ["127.0.0.1"] }).cert],
  ["another CA of that name", root.intermediate("intermediate").certificatePem],
])("is not trusted by %s", async (_what, caPem) => {
  await expect(asked(caPem)).rejects.toMatchObject({ code: "KUBERNETES_UNREACHABLE" });
});
