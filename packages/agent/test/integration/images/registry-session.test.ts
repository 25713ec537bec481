/** Logins and redirects between real servers on loopback: who is asked, and who is shown a password. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, RequestListener } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";

import { NO_REGISTRIES, resolveTag, type Registries } from "@rancheros/agent/images";
import { createAuthority } from "../../../../../test/registration/authority.ts";
import { startStrangeServer, type StrangeServer } from "../../../../../test/registry/strange-server.ts";
import { parseRegistries } from "../../../src/images/registries.ts";

const MANIFEST = "{}";
const servers: StrangeServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function start(listener: RequestListener, withTls?: "tls"): Promise<StrangeServer> {
  const certificate = withTls === undefined ? undefined : createAuthority("session").issue({ names: ["127.0.0.1"] });
  const server = await startStrangeServer(listener, certificate);
  servers.push(server);
  return server;
}

const deliver: RequestListener = (_, response) => response.end(MANIFEST);

function redirect(location: string): RequestListener {
  return ({ headers }, response) => {
    if (headers.authorization === undefined) response.writeHead(401, { "www-authenticate": "Basic" }).end();
    else response.writeHead(307, { location }).end();
  };
}

function ask(host: string, registries: Registries = NO_REGISTRIES): Promise<unknown> {
  return resolveTag({
    reference: `${host}/os:v1`,
    registries,
    account: { username: "u", password: "p" },
    signal: AbortSignal.timeout(30_000),
  });
}

function authorizations(requests: readonly IncomingMessage[]): readonly unknown[] {
  return requests.map(({ headers }) => headers.authorization);
}

describe("a registry without TLS", () => {
  it("may send on to another server without TLS, which is not shown the login", async () => {
    const storage = await start(deliver);
    const registry = await start(redirect(`http://${storage.host}/blob?signed`));
    expect(await ask(registry.host)).toMatchObject({ reference: expect.stringContaining("@sha256:") as string });
    expect(authorizations(registry.requests)).toEqual([undefined, "Basic dTpw"]);
    expect(authorizations(storage.requests)).toEqual([undefined]);
  });

  it("does not decide by sending on who else gets the account", async () => {
    const tokens = await start((_, response) => response.end('{"token":"t"}'));
    for (const challenge of ["Basic", `Bearer realm="http://${tokens.host}/token"`]) {
      const other = await start((_, response) => response.writeHead(401, { "www-authenticate": challenge }).end());
      const registry = await start(redirect(`http://${other.host}/blob`));
      await expect(ask(registry.host), challenge).rejects.toMatchObject({
        code: "IMAGE_REGISTRY_NONSENSE",
        message: expect.stringContaining(`redirects to ${other.host}, which wants a login`) as string,
      });
      expect(authorizations(registry.requests), challenge).toEqual([undefined, "Basic dTpw"]);
      expect(authorizations(other.requests), challenge).toEqual([undefined]);
    }
    expect(tokens.requests).toEqual([]);
  });

  it("may not send on to another protocol, or with an account in the address", async () => {
    const storage = await start(deliver);
    for (const location of ["ftp://h/x", `http://u@${storage.host}/`, "file:///etc/passwd", "http://"]) {
      const registry = await start(redirect(location));
      await expect(ask(registry.host), location).rejects.toMatchObject({ code: "IMAGE_REGISTRY_NONSENSE" });
    }
    expect(storage.requests).toEqual([]);
  });
});

describe("a registry with TLS", () => {
  it("and a weak key is told in OpenSSL's words, as Node has no name for it", async () => {
    const authority = createAuthority("weak");
    const issued = { ...authority.issue({ names: ["127.0.0.1"], rsaBits: 1024 }), ciphers: "DEFAULT:@SECLEVEL=0" };
    const registry = await startStrangeServer(deliver, issued);
    servers.push(registry);
    const folder = mkdtempSync(path.join(tmpdir(), "weak-registry-"));
    const ca = path.join(folder, "ca.pem");
    writeFileSync(ca, authority.certificatePem);
    const file = `
mirrors: {"${registry.host}": {endpoint: ["https://${registry.host}"]}}
configs: {"${registry.host}": {tls: {ca_file: ${ca}}}}`;
    await expect(ask(registry.host, parseRegistries(file))).rejects.toMatchObject({
      code: "IMAGE_REGISTRY_UNTRUSTED",
      message: expect.stringContaining("is not trusted (EE certificate key too weak)") as string,
    });
    rmSync(folder, { recursive: true });
  });

  it("never sends on to a server without, also not by way of another one with it", async () => {
    const storage = await start(deliver);
    const between = await start(
      (_, response) => response.writeHead(307, { location: `http://${storage.host}/` }).end(),
      "tls",
    );
    const registry = await start(redirect(`https://${between.host}/`), "tls");
    const trusting = (host: string): string => `"${host}": {tls: {insecure_skip_verify: true}}`;
    const file = `
mirrors: {"${registry.host}": {endpoint: ["https://${registry.host}"]}}
configs: {${trusting(registry.host)}}`;
    await expect(ask(registry.host, parseRegistries(file))).rejects.toMatchObject({ code: "IMAGE_REGISTRY_NONSENSE" });
    expect(authorizations(between.requests)).toEqual([undefined]);
    expect(storage.requests).toEqual([]);
  });
});

describe("a registry whose certificate comes from an intermediate CA, and alone", () => {
  const intermediate = createAuthority("root").intermediate("intermediate");
  const served = intermediate.issue({ names: ["127.0.0.1"] });

  it.each([
    ["that CA", intermediate.certificatePem],
    ["the registry's own certificate", served.cert],
  ])("is trusted where registries.yaml names %s", async (_what, caPem) => {
    const folder = mkdtempSync(path.join(tmpdir(), "registry-ca-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const caFile = path.join(folder, "ca.pem");
    writeFileSync(caFile, caPem);
    const registry = await startStrangeServer(deliver, served);
    servers.push(registry);
    const registries = parseRegistries(`configs: {"${registry.host}": {tls: {ca_file: ${caFile}}}}
mirrors: {"${registry.host}": {endpoint: ["https://${registry.host}"]}}`);
    expect(await ask(registry.host, registries)).toMatchObject({
      reference: expect.stringContaining("@sha256:") as string,
    });
  });
});

describe("a token server", () => {
  const login = 'Bearer realm="/token",service="s",scope="repository:os:pull,push,delete"';

  it.each([
    ["nothing else", '{"access_token":"a.b-c_d~e+f/g=="}'],
    ["an empty token", '{"token":"","access_token":"a.b-c_d~e+f/g=="}'],
    ["no token", '{"token":null,"access_token":"a.b-c_d~e+f/g=="}'],
  ])("may stand on the registry itself, and have access_token beside %s", async (_what, told) => {
    const registry = await start((request, response) => {
      if (request.url?.startsWith("/token") === true) response.end(told);
      else if (request.headers.authorization === "Bearer a.b-c_d~e+f/g==") deliver(request, response);
      else response.writeHead(401, { "www-authenticate": login }).end();
    });
    expect(await ask(registry.host)).toMatchObject({ reference: expect.stringContaining("@sha256:") as string });
    const asked = registry.requests.filter(({ url }) => url?.startsWith("/token") === true);
    expect(authorizations(asked)).toEqual(["Basic dTpw"]);
    const { searchParams } = new URL(asked[0]?.url ?? "", "http://h");
    expect(Object.fromEntries(searchParams)).toEqual({ service: "s", scope: "repository:os:pull" });
  });
});

it("says of a registry that wants a login why there is none, where registries.yaml has one that nobody here knows", async () => {
  const registry = await start(redirect("http://h/"));
  const registries = parseRegistries(`configs: {"${registry.host}": {auth: {identity_token: hunter2}}}`);
  const asked = resolveTag({
    reference: `${registry.host}/os:v1`,
    registries,
    account: undefined,
    signal: AbortSignal.timeout(30_000),
  });
  await expect(asked).rejects.toMatchObject({
    code: "IMAGE_NO_RIGHTS",
    message: expect.stringMatching(/an account is needed.*identity_token.*write username and password$/) as string,
  });
});
