/** What answers is no registry, or a bad one: the operator ends with a name for it, within its bounds. */
import { describe, expect, it } from "vitest";
import { sha256Digest } from "../../../../../test/registry/index.ts";
import {
  startSilentServer,
  startStrangeServer,
  type StrangeServer,
} from "../../../../../test/registry/strange-server.ts";
import {
  against,
  authority,
  endless,
  fails,
  good as image,
  headers,
  manifest,
  resolves,
  type Listener,
} from "./hostile-answers.ts";
import { failure, mirrored } from "./resolving.ts";

const { mediaType, digest } = image.descriptor;

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
    await expect.poll(() => sent).toBeGreaterThan(0);
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

it("is told of in OpenSSL's words where its certificate is one that Node has no name for", async () => {
  const weak = { ...authority.issue({ names: ["127.0.0.1"], rsaBits: 1024 }), ciphers: "DEFAULT:@SECLEVEL=0" };
  const server = await startStrangeServer((_, response) => response.end(), weak);
  const error = await failure(`${server.host}/os:v1`, { caPem: authority.certificatePem });
  await server.stop();
  expect([error.code, server.requests.length]).toEqual(["REGISTRY_UNTRUSTED", 0]);
  expect(error.message).toMatch(/its certificate is not acceptable: EE certificate key too weak$/);
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
