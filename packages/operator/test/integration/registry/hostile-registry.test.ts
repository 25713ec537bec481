/** What answers is no registry, or a bad one: the operator ends with a name for it, within its bounds. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, expect, it, vi } from "vitest";
import { createAuthority } from "../../../../../test/registration/authority.ts";
import { buildImage, sha256Digest } from "../../../../../test/registry/index.ts";
import {
  startSilentServer,
  startStrangeServer,
  type StrangeServer,
} from "../../../../../test/registry/strange-server.ts";
import type { RegistryError, ResolvedImage } from "../../../src/registry/index.ts";
import { account, failure, mirrored, resolve, type Resolving } from "./resolving.ts";

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

const authority = createAuthority("hostile registry");
const caPem = authority.certificatePem;
const image = buildImage({ layers: [[{ path: "a", content: "a" }]] });
const { mediaType, digest } = image.descriptor;
const PASSWORD = "the-password-of-nobody";

interface Ended<Result> {
  readonly result: Result;
  readonly requests: readonly IncomingMessage[];
  readonly host: string;
}

async function against<Result>(
  listener: Listener,
  ask: (server: StrangeServer) => Promise<Result>,
  tls = false,
): Promise<Ended<Result>> {
  const server = await startStrangeServer(listener, tls ? authority.issue({ names: ["127.0.0.1"] }) : undefined);
  try {
    return { result: await ask(server), requests: server.requests, host: server.host };
  } finally {
    await server.stop();
  }
}

function fails(listener: Listener, options: Resolving = {}): Promise<Ended<RegistryError>> {
  return against(listener, ({ host }) => failure(`${host}/os:v1`, { insecure: [host], ...options }));
}

function resolves(listener: Listener, options: Resolving = {}): Promise<Ended<ResolvedImage>> {
  return against(listener, ({ host }) => resolve(`${host}/os:v1`, { insecure: [host], ...options }));
}

/** Answers GET with it, and HEAD with nothing that helps. */
function manifest(body: Buffer | string, headers: Readonly<Record<string, string>> = {}, type = mediaType): Listener {
  return (request, response) => {
    response.writeHead(request.method === "HEAD" ? 405 : 200, { "content-type": type, ...headers });
    response.end(request.method === "HEAD" ? undefined : body);
  };
}

/** Answers HEAD without any digest, and GET with the same headers and what the test does next. */
function headers(fields: Readonly<Record<string, string>>, body: (response: ServerResponse) => void): Listener {
  return (request, response) => {
    response.writeHead(200, { "content-type": mediaType, ...fields });
    if (request.method === "HEAD") response.end();
    else body(response);
  };
}

/** Nothing is awaited here: the client hangs up. */
function endless(response: ServerResponse): void {
  const piece = Buffer.alloc(64 * 1024, " ");
  const more = (): void => {
    while (!response.destroyed && response.write(piece));
    if (!response.destroyed) response.once("drain", more);
  };
  more();
}

describe("what is no registry", () => {
  it("answers with a page", async () => {
    const page: Listener = (_, response) =>
      response.setHeader("content-type", "text/html; charset=utf-8").end("<html>");
    const { result } = await fails(page);
    expect([result.code, result.retry]).toEqual(["REGISTRY_NONSENSE", "backoff"]);
    expect(result.message).toContain('is of type "text/html", not an image');
  });

  it("answers with 100 MB, of which nearly nothing is read", async () => {
    let sent = 0;
    const large = headers({ "content-length": String(100 * 1024 * 1024) }, (response) => {
      endless(response);
      const { socket } = response;
      socket?.once("close", () => (sent = socket.bytesWritten));
    });
    const { result } = await fails(large);
    expect(result.code).toBe("REGISTRY_NONSENSE");
    expect(result.message).toContain("answers with more than 4194304 bytes");
    await vi.waitFor(() => expect(sent).toBeGreaterThan(0), { timeout: 20_000 });
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  it("refuses with an answer that has no end", async () => {
    const { result } = await fails((request, response) => {
      response.writeHead(request.method === "HEAD" ? 404 : 403, { "content-type": "application/json" });
      if (request.method === "HEAD") response.end();
      else endless(response);
    });
    expect(result.code).toBe("REGISTRY_REFUSED");
  });

  it("sends ten bytes a second until the deadline", async () => {
    const drip = headers({}, (response) => {
      const timer = setInterval(() => response.write(" "), 100);
      response.once("close", () => clearInterval(timer));
    });
    const started = performance.now();
    const { result } = await fails(drip, { deadlineMs: 800 });
    expect(result.code).toBe("REGISTRY_TIMEOUT");
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it("takes connections and says nothing, to TLS and as a proxy", async () => {
    const silent = await startSilentServer();
    const environment = { HTTPS_PROXY: `http://${silent.host}` };
    for (const options of [{}, { environment }]) {
      const name = "environment" in options ? "registry.test/os:v1" : `${silent.host}/os:v1`;
      const started = performance.now();
      const error = await failure(name, { ...options, deadlineMs: 500 });
      expect(error.code).toBe("REGISTRY_TIMEOUT");
      expect(performance.now() - started).toBeLessThan(5_000);
    }
    await silent.stop();
  });

  it("breaks the connection, in the middle of an answer too", async () => {
    expect((await fails((request) => request.socket.destroy())).result.code).toBe("REGISTRY_UNREACHABLE");
    const half = headers({ "content-length": "1000" }, (response) => response.write("{", () => response.destroy()));
    expect((await fails(half)).result.code).toBe("REGISTRY_UNREACHABLE");
  });

  it("speaks something else than HTTP", async () => {
    const { result } = await fails((request) => request.socket.end("SSH-2.0-OpenSSH_9.2\r\n"));
    expect(result.code).toBe("REGISTRY_NONSENSE");
  });
});

describe("a manifest", () => {
  const json = (value: unknown): string => JSON.stringify(value);
  const index = "application/vnd.oci.image.index.v1+json";

  it.each<[string, Listener, RegExp]>([
    ["that is no JSON", manifest("{"), /is no JSON/],
    ["that is a list", manifest("[]"), /is no JSON object/],
    ["of another schema", manifest(json({ schemaVersion: 1, layers: [] })), /schemaVersion/],
    ["of two types", manifest(json({ schemaVersion: 2, mediaType: index, layers: [] })), /mediaType/],
    ["that is image and index", manifest(json({ schemaVersion: 2, layers: [], manifests: [] })), /has both/],
    ["without layers", manifest(json({ schemaVersion: 2 })), /no list of at most/],
    ["with a layer of no size", manifest(json({ schemaVersion: 2, layers: [{}] })), /without a size/],
    ["with a layer of negative size", manifest(json({ schemaVersion: 2, layers: [{ size: -1 }] })), /without a size/],
    [
      "with too many parts",
      manifest(json({ schemaVersion: 2, layers: Array.from({ length: 1_001 }, () => ({ size: 1 })) })),
      /no list/,
    ],
    ["with null in its list", manifest(json({ schemaVersion: 2, manifests: [null] }), {}, index), /no list/],
    [
      "in Docker's old format",
      manifest("{}", {}, "application/vnd.docker.distribution.manifest.v1+prettyjws"),
      /old format, schema 1/,
    ],
    [
      "under a digest that is not its own",
      manifest(image.manifest, { "docker-content-digest": sha256Digest(Buffer.from("x")) }),
      /but it is sha256:/,
    ],
  ])("%s is nonsense", async (_, listener, words) => {
    const { result } = await fails(listener);
    expect(result.code).toBe("REGISTRY_NONSENSE");
    expect(result.message).toMatch(words);
  });

  it("that is another one than HEAD promised is nonsense", async () => {
    const other = sha256Digest(Buffer.from("other"));
    const { result } = await fails((request, response) => {
      const promise = request.method === "HEAD" ? { "docker-content-digest": other } : {};
      response.writeHead(200, { "content-type": mediaType, ...promise });
      response.end(request.method === "HEAD" ? undefined : image.manifest);
    });
    expect(result.message).toContain(`the registry calls it ${other}, but it is ${digest}`);
  });

  it("without any digest in headers gets the one of its bytes, where HEAD is not known either", async () => {
    const { result, requests } = await resolves(manifest(image.manifest));
    expect(result.digest).toBe(digest);
    expect(requests.map(({ method }) => method)).toEqual(["HEAD", "GET"]);
  });

  it("that claims the known digest at HEAD is believed only for the answer that was verified before", async () => {
    const known = { digest, mediaType, layerBytes: 1, platforms: undefined, endpoint: "before" };
    const { result } = await resolves(
      (_, response) => response.writeHead(200, { "docker-content-digest": digest }).end(),
      {
        known,
      },
    );
    expect(result).toEqual(known);
  });
});

describe("redirects", () => {
  const to =
    (location: string): Listener =>
    (_, response) =>
      response.writeHead(307, { location }).end();

  it("in a circle end", async () => {
    const { result, requests } = await fails((request, response) => to(request.url ?? "")(request, response));
    expect(result.message).toContain("redirects more than 5 times");
    expect(requests).toHaveLength(6);
  });

  it.each([
    "ftp://127.0.0.1/",
    "http://127.0.0.1:1/",
    "http://[",
    "https://user:pw@127.0.0.1:1/",
    "file:///etc/passwd",
  ])("to %s are not followed", async (location) => {
    const { result, requests } = await fails(to(location));
    expect([result.code, requests.length]).toEqual(["REGISTRY_NONSENSE", 1]);
  });

  it("never take a password or a token along", async () => {
    const seen: (string | undefined)[] = [];
    const other = await startStrangeServer(
      (request, response) => {
        seen.push(request.headers.authorization);
        manifest(image.manifest)(request, response);
      },
      authority.issue({ names: ["127.0.0.1"] }),
    );
    const listener: Listener = (request, response) => {
      if (request.headers.authorization === undefined) response.writeHead(401, { "www-authenticate": "Basic" }).end();
      else to(`https://${other.host}${request.url}`)(request, response);
    };
    const ask = ({ host }: StrangeServer) =>
      resolve(`${host}/os:v1`, { caPem, credentials: [account(host, "u", PASSWORD)] });
    const { result } = await against(listener, ask, true);
    expect(result.digest).toBe(digest);
    expect(seen).toEqual([undefined, undefined]);
    await other.stop();
  });

  it("do not make the operator log in somewhere else", async () => {
    const other = await startStrangeServer(
      (_, response) => response.writeHead(401, { "www-authenticate": "Basic" }).end(),
      authority.issue({ names: ["127.0.0.1"] }),
    );
    const ask = ({ host }: StrangeServer) =>
      failure(`${host}/os:v1`, { caPem, credentials: [account(host, "u", PASSWORD)] });
    const { result } = await against(to(`https://${other.host}/`), ask, true);
    expect(result.message).toContain(`redirects to ${other.host}, which wants a login`);
    expect(other.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
    await other.stop();
  });
});

describe("a login", () => {
  const credentials = (host: string) => [account(host, "u", PASSWORD)];
  const challenge =
    (value: string): Listener =>
    (_, response) =>
      response.writeHead(401, { "www-authenticate": value }).end();

  it.each([
    "Negotiate",
    "Digest realm=x",
    "",
    "Bearer",
    'Bearer realm=""',
    'Bearer realm="',
    `Basic ${"x".repeat(9_000)}`,
  ])("of a kind that is not known is refused: %s", async (value) => {
    const ask = ({ host }: StrangeServer) =>
      failure(`${host}/os:v1`, { insecure: [host], credentials: credentials(host) });
    const { result, requests } = await against(challenge(value), ask);
    expect(result.code).toBe("REGISTRY_REFUSED");
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  it("is not sent to a token server without TLS, whoever names it", async () => {
    const thief = await startStrangeServer((_, response) => response.end("{}"));
    const realm = `Bearer realm="http://${thief.host}/token"`;
    const withTls = ({ host }: StrangeServer) => failure(`${host}/os:v1`, { caPem, credentials: credentials(host) });
    const overTls = await against(challenge(realm), withTls, true);
    const elsewhere = `Bearer realm="http://localhost:${thief.host.split(":")[1]}/token"`;
    const withoutTls = ({ host }: StrangeServer) =>
      failure(`${host}/os:v1`, { insecure: [host], credentials: credentials(host) });
    const otherHost = await against(challenge(elsewhere), withoutTls);
    for (const { result } of [overTls, otherHost]) {
      expect(result.code).toBe("REGISTRY_NONSENSE");
      expect(result.message).toContain("names a token server without TLS on another host, or none");
    }
    expect(thief.requests).toEqual([]);
    await thief.stop();
  });

  it.each([
    ["nothing", "{}", "gave no token"],
    ["a page", "<html>", "gave no token"],
    ["a header more", '{"token":"a\\r\\nx-evil: 1"}', "gave no token"],
    ["a number", '{"token":7,"access_token":""}', "gave no token"],
    ["too much", `{"token":"${"x".repeat(70_000)}"}`, "answers with more than 65536 bytes"],
  ])("whose token server answers with %s ends", async (_, body, words) => {
    const listener: Listener = (request, response) => {
      if (request.url?.startsWith("/token") === true) response.end(body);
      else challenge('Bearer realm="/token",service="s"')(request, response);
    };
    const { result } = await fails(listener);
    expect(result.code).toBe("REGISTRY_NONSENSE");
    expect(result.message).toContain(words);
  });

  it("takes access_token too, and asks for no more than to pull", async () => {
    const scopes: unknown[] = [];
    const listener: Listener = (request, response) => {
      const url = new URL(request.url ?? "", "http://x");
      if (url.pathname === "/token") {
        scopes.push(url.searchParams.getAll("scope"));
        response.end('{"access_token":"a.b-c_d~e+f/g=="}');
      } else if (request.headers.authorization === "Bearer a.b-c_d~e+f/g==") {
        manifest(image.manifest)(request, response);
      } else {
        challenge('Bearer realm="/token",service="s",scope="repository:os:pull,push,delete"')(request, response);
      }
    };
    expect((await resolves(listener)).result.digest).toBe(digest);
    expect(scopes).toEqual([["repository:os:pull"]]);
  });
});

describe("a registry in trouble", () => {
  it.each([
    [429, { "retry-after": "7" }, { afterMs: 7_000 }],
    [429, { "retry-after": "999999999" }, { afterMs: 3_600_000 }],
    [503, { "retry-after": "soon" }, "backoff"],
    [500, {}, "backoff"],
  ])("says %i with %j, which is when it is asked again", async (status, headers, retry) => {
    const { result, requests } = await fails((_, response) => response.writeHead(status, headers).end());
    expect([result.code, result.retry, result.details["status"]]).toEqual(["REGISTRY_BUSY", retry, status]);
    expect(requests).toHaveLength(1);
  });

  it("has its words shown without control characters, and not more than a few", async () => {
    const errors = [{ code: "DENIED", message: `\u001b[31m${"no ".repeat(500)}` }];
    const { result } = await fails((request, response) =>
      response.writeHead(request.method === "HEAD" ? 404 : 403).end(JSON.stringify({ errors })),
    );
    expect(result.message).toContain("DENIED, ?[31mno no");
    expect(result.message.length).toBeLessThan(400);
  });

  it("is left at once when the operator stops, and no mirror after it is asked", async () => {
    const stop = new AbortController();
    const listener: Listener = () => stop.abort();
    const ask = ({ host }: StrangeServer) =>
      failure("registry.invalid/os:v1", {
        mirrors: { "registry.invalid": mirrored(`http://${host}`, `http://${host}/two`) },
        signal: stop.signal,
      });
    const { result, requests } = await against(listener, ask);
    expect([result.code, requests.length]).toEqual(["REGISTRY_INTERRUPTED", 1]);
  });
});
