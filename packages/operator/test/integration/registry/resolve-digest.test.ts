import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { findFreePort } from "../../../../../test/control-plane/free-port.ts";
import { createAuthority } from "../../../../../test/registration/authority.ts";
import {
  buildImage,
  buildIndex,
  deleteManifest,
  pushImage,
  REGISTRY_ACCOUNT,
  startRegistry,
  startTokenServer,
  type TestRegistry,
  type TokenServer,
} from "../../../../../test/registry/index.ts";
import { account, failure, image, resolve, right } from "./resolving.ts";
import { startProxy, startStrangeServer } from "../../../../../test/registry/strange-server.ts";

const authority = createAuthority("registry test");
const caPem = authority.certificatePem;
let folder: string;
let plain: TestRegistry;
let basic: TestRegistry;
let tokened: TestRegistry;
let tokens: TokenServer;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "registry-resolve-"));
  tokens = await startTokenServer({ tls: authority, publicRepositories: ["os/public"] });
  [plain, basic, tokened] = await Promise.all([
    startRegistry({ folder: path.join(folder, "plain") }),
    startRegistry({ folder: path.join(folder, "basic"), tls: authority, auth: "basic" }),
    startRegistry({ folder: path.join(folder, "tokened"), tls: authority, auth: tokens }),
  ]);
});

afterAll(async () => {
  await Promise.all([plain.stop(), basic.stop(), tokened.stop(), tokens.stop()]);
  await rm(folder, { recursive: true, force: true });
});

const wrong = (registry: string) => account(registry, REGISTRY_ACCOUNT.username, "not-the-password");

describe("a tag", () => {
  it("leads to the digest of the manifest, with its type and the size of its layers, in both formats", async () => {
    for (const format of ["oci", "docker"] as const) {
      const pushed = image(`formats ${format}`, format);
      await pushImage(plain, "os/formats", format, pushed);
      expect(await resolve(`${plain.host}/os/formats:${format}`, { insecure: [plain.host] })).toEqual({
        digest: pushed.descriptor.digest,
        mediaType: pushed.descriptor.mediaType,
        layerBytes: pushed.layerBytes,
        platforms: undefined,
        endpoint: plain.host,
      });
    }
  });

  it("is followed when it moves, and costs one request without a body when it has not", async () => {
    const name = `${plain.host}/os/moving:latest`;
    const methods: string[] = [];
    const options = { insecure: [plain.host], onRequest: ({ method }: { method: string }) => methods.push(method) };
    const first = image("one");
    const second = image("two");
    await pushImage(plain, "os/moving", "latest", first);
    const known = await resolve(name, options);
    expect(known.digest).toBe(first.descriptor.digest);
    expect(methods.splice(0)).toEqual(["HEAD", "GET"]);
    expect(await resolve(name, { ...options, known })).toEqual(known);
    expect(methods.splice(0)).toEqual(["HEAD"]);
    await pushImage(plain, "os/moving", "latest", second);
    expect((await resolve(name, { ...options, known })).digest).toBe(second.descriptor.digest);
  });

  it("that moves between two requests gives one of its images, and not a mixture", async () => {
    const first = image("before");
    await pushImage(plain, "os/racing", "v1", first);
    const onRequest = async ({ method }: { method: string }) => {
      if (method === "GET") await pushImage(plain, "os/racing", "v1", image("after", "docker"));
    };
    const resolved = await resolve(`${plain.host}/os/racing:v1`, { insecure: [plain.host], onRequest });
    expect([resolved.digest, resolved.mediaType]).toEqual([first.descriptor.digest, first.descriptor.mediaType]);
  });

  it("of an index tells for which platforms it is, in both formats", async () => {
    const platforms = [
      { os: "linux", architecture: "amd64" },
      { os: "linux", architecture: "arm64", variant: "v8" },
    ];
    for (const format of ["oci", "docker"] as const) {
      const images = platforms.map((platform) =>
        buildImage({ format, platform, layers: [[{ path: "a", content: "a" }]] }),
      );
      const digest = await pushImage(plain, "os/index", format, buildIndex(images, format));
      const resolved = await resolve(`${plain.host}/os/index:${format}`, { insecure: [plain.host] });
      expect(resolved.digest).toBe(digest);
      expect(resolved.layerBytes).toBeUndefined();
      expect(resolved.platforms).toEqual([{ ...platforms[0], variant: undefined }, platforms[1]]);
    }
  });

  it("that is not there, or not any more, is not found, and the registry's words say what", async () => {
    const digest = await pushImage(plain, "os/gone", "v1", image("gone"));
    await deleteManifest(plain, "os/gone", digest);
    for (const missing of ["os/gone:v1", "os/never:v1"]) {
      const error = await failure(`${plain.host}/${missing}`, { insecure: [plain.host] });
      expect(error.code).toBe("REGISTRY_NOT_FOUND");
      expect(error.message).toContain(`${plain.host}: ${missing}: the registry has no such image: MANIFEST_UNKNOWN`);
      expect(error.retry).toBe("backoff");
    }
  });
});

it("answers a digest without asking anybody", async () => {
  const digest = `sha256:${"ab".repeat(32)}`;
  const asked: unknown[] = [];
  const options = { onRequest: (request: unknown) => asked.push(request) };
  expect(await resolve(`nowhere.test/os:v1@${digest}`, options)).toMatchObject({ digest, endpoint: undefined });
  expect(asked).toEqual([]);
});

describe("an account", () => {
  it("is wanted by a registry with Basic authentication: missing and wrong are refused, right is let in", async () => {
    const digest = await pushImage(basic, "os/base", "v1", image("basic"));
    const name = `${basic.host}/os/base:v1`;
    const missing = await failure(name, { caPem });
    expect([missing.code, missing.message]).toEqual([
      "REGISTRY_REFUSED",
      `${basic.host}: wants an account, and no pull secret has one for it`,
    ]);
    const refused = await failure(name, { caPem, credentials: [wrong(basic.host)] });
    expect([refused.code, refused.details["status"]]).toEqual(["REGISTRY_REFUSED", 401]);
    expect((await resolve(name, { caPem, credentials: [right(basic.host)] })).digest).toBe(digest);
  });

  it("is taken from the next matching secret where the first one is outdated", async () => {
    const digest = await pushImage(basic, "os/base", "v1", image("basic"));
    const credentials = [right("other.test"), wrong(basic.host), right(`https://${basic.host}/v2/`)];
    expect((await resolve(`${basic.host}/os/base:v1`, { caPem, credentials })).digest).toBe(digest);
  });

  it("of another registry is not sent", async () => {
    const sent: unknown[] = [];
    const onRequest = ({ headers }: { headers: Readonly<Record<string, string>> }) =>
      sent.push(headers["authorization"]);
    const credentials = [right("other.test"), right("127.0.0.1")];
    const error = await failure(`${basic.host}/os/base:v1`, { caPem, credentials, onRequest });
    expect(error.code).toBe("REGISTRY_REFUSED");
    expect(sent).toEqual([undefined]);
  });

  it("gets a token from the server that the registry names, and goes nowhere else", async () => {
    const digest = await pushImage(tokened, "os/base", "v1", image("tokened"));
    const name = `${tokened.host}/os/base:v1`;
    const seen = tokens.requests.length;
    expect((await failure(name, { caPem })).code).toBe("REGISTRY_REFUSED");
    const refused = await failure(name, { caPem, credentials: [wrong(tokened.host)] });
    expect(refused.code).toBe("REGISTRY_REFUSED");
    expect(refused.message).toContain("its token server");
    const sent: string[] = [];
    const credentials = [right(tokened.host)];
    const resolved = await resolve(name, {
      caPem,
      credentials,
      onRequest: ({ url, headers }) => sent.push(`${url.host} ${headers["authorization"]?.split(" ")[0]}`),
    });
    expect(resolved.digest).toBe(digest);
    expect(sent).toEqual([
      `${tokened.host} undefined`,
      `${new URL(tokens.realm).host} Basic`,
      `${tokened.host} Bearer`,
      `${tokened.host} Bearer`,
    ]);
    expect(tokens.requests.slice(seen).map(({ scope }) => scope)).toEqual(Array(3).fill("repository:os/base:pull"));
  });

  it("is not wanted for what everybody may pull", async () => {
    const digest = await pushImage(tokened, "os/public", "v1", image("public"));
    expect((await resolve(`${tokened.host}/os/public:v1`, { caPem })).digest).toBe(digest);
  });
});

describe("TLS", () => {
  it("is believed with the registry's own CA, and with nothing less", async () => {
    const name = `${tokened.host}/os/public:v1`;
    await pushImage(tokened, "os/public", "v1", image("public"));
    const sent: unknown[] = [];
    for (const [ca, words] of [
      [undefined, "comes from a CA that the operator does not know"],
      [createAuthority("registry test").certificatePem, "was not signed by the CA that it names"],
    ] as const) {
      const options = { caPem: ca, credentials: [right(tokened.host)], onRequest: (one: unknown) => sent.push(one) };
      const error = await failure(name, options);
      expect([error.code, error.retry]).toEqual(["REGISTRY_UNTRUSTED", "backoff"]);
      expect(error.message).toContain(words);
    }
    expect(sent).toHaveLength(2);
    const both = `${createAuthority("another").certificatePem}\nsome text\n${caPem}`;
    expect((await resolve(name, { caPem: both })).endpoint).toBe(tokened.host);
  });

  it.each([
    [{ names: ["other.test"] }, "is for another name"],
    [{ names: ["127.0.0.1"], expired: true }, "has expired"],
  ])("tells what is wrong with a certificate: %j", async (options, words) => {
    const server = await startStrangeServer((_, response) => response.end(), authority.issue(options));
    const error = await failure(`${server.host}/os:v1`, { caPem });
    await server.stop();
    expect([error.code, server.requests.length]).toEqual(["REGISTRY_UNTRUSTED", 0]);
    expect(error.message).toContain(words);
  });

  it.each(["that CA", "the registry's own certificate"])(
    "is believed with a certificate that comes from an intermediate CA, and alone, by %s",
    async (given) => {
      const intermediate = authority.intermediate("intermediate");
      const served = intermediate.issue({ names: ["127.0.0.1"] });
      const good = image("intermediate");
      const server = await startStrangeServer((_, response) => {
        const { mediaType, digest } = good.descriptor;
        response.writeHead(200, { "content-type": mediaType, "docker-content-digest": digest }).end(good.manifest);
      }, served);
      onTestFinished(() => server.stop());
      const caOfIt = given === "that CA" ? intermediate.certificatePem : served.cert;
      expect((await resolve(`${server.host}/os:v1`, { caPem: caOfIt })).digest).toBe(good.descriptor.digest);
      // The root alone leads nowhere: the server does not send what is between.
      expect((await failure(`${server.host}/os:v1`, { caPem })).code).toBe("REGISTRY_UNTRUSTED");
    },
  );

  it("is left out for named hosts only", async () => {
    await pushImage(plain, "os/plain", "v1", image("plain"));
    const error = await failure(`${plain.host}/os/plain:v1`, { insecure: ["127.0.0.1"] });
    expect([error.code, error.mend]).toEqual(["REGISTRY_NONSENSE", expect.stringContaining("--insecure-registry")]);
    const other = await failure(`${basic.host}/os/base:v1`, { insecure: [basic.host] });
    expect([other.code, other.details["status"]]).toEqual(["REGISTRY_NONSENSE", 400]);
  });
});

describe("a registry that is away", () => {
  it("is unreachable, and answers again when it is back", async () => {
    const registry = await startRegistry({ folder: path.join(folder, "away") });
    const name = `${registry.host}/os:v1`;
    const digest = await pushImage(registry, "os", "v1", image("away"));
    await registry.kill();
    const error = await failure(name, { insecure: [registry.host] });
    expect([error.code, error.retry]).toEqual(["REGISTRY_UNREACHABLE", "backoff"]);
    await registry.start();
    expect((await resolve(name, { insecure: [registry.host] })).digest).toBe(digest);
    await registry.stop();
  });

  it("under a name that nobody knows is unreachable too", async () => {
    const error = await failure("registry.invalid/os:v1");
    expect(error.code).toBe("REGISTRY_UNREACHABLE");
    expect(error.message).toMatch(/name servers do not (know this name|answer)/);
  });
});

describe("a proxy of the environment", () => {
  it("leads to the registry, with TLS through a tunnel and without, but not to hosts of NO_PROXY", async () => {
    const digest = await pushImage(tokened, "os/public", "v1", image("public"));
    const plainDigest = await pushImage(plain, "os/proxied", "v1", image("proxied"));
    const [tunnel, forward] = await Promise.all([startProxy(tokened.host), startProxy(plain.host)]);
    const environment = { HTTPS_PROXY: `http://user:pw@${tunnel.host}`, HTTP_PROXY: forward.host };
    expect((await resolve("registry.test/os/public:v1", { caPem, environment })).digest).toBe(digest);
    expect(new Set(tunnel.targets)).toEqual(new Set(["registry.test:443"]));
    const options = { environment, insecure: ["registry.test:5000"] };
    expect((await resolve("registry.test:5000/os/proxied:v1", options)).digest).toBe(plainDigest);
    expect(new Set(forward.targets)).toEqual(new Set(["registry.test:5000"]));
    const exempt = { ...environment, NO_PROXY: "registry.test" };
    expect((await failure("registry.test/os/public:v1", { caPem, environment: exempt })).code).toBe(
      "REGISTRY_UNREACHABLE",
    );
    await Promise.all([tunnel.stop(), forward.stop()]);
  });

  it("that refuses, is down or is none is named, without its password", async () => {
    const refusing = await startProxy(plain.host, "refuse");
    const down = `127.0.0.1:${await findFreePort()}`;
    const ask = (proxy: string) => failure("registry.test/os:v1", { environment: { HTTPS_PROXY: proxy } });
    const refused = await ask(`http://user:sesame@${refusing.host}`);
    expect(refused.code).toBe("REGISTRY_UNREACHABLE");
    expect(refused.message).toContain(`the proxy ${refusing.host} does not let the operator through (HTTP 403)`);
    const away = await ask(`http://user:sesame@${down}`);
    expect(away.message).toContain(`through the proxy ${down}: nothing listens there`);
    const none = await ask("socks5://user:sesame@x");
    expect(none.code).toBe("REGISTRY_PROXY_INVALID");
    for (const error of [refused, away, none]) expect(JSON.stringify([error, error.message])).not.toContain("sesame");
    await refusing.stop();
  });
});
