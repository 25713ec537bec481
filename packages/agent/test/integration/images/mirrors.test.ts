/** Mirrors that fail in their own way beside a registry that fails in another: which word counts, and how long it is tried. */
import type { RequestListener } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  nodePlatform,
  openImage,
  parsePinnedImage,
  resolveTag,
  type ImageEvent,
  type OpenImageOptions,
  type Registries,
} from "@rancheros/agent/images";
import { parseImagePolicy } from "@rancheros/protocol/signatures";
import { buildImage } from "../../../../../test/registry/index.ts";
import { startStrangeServer, type StrangeServer } from "../../../../../test/registry/strange-server.ts";
import { keySigner } from "../../../../../test/sigstore/index.ts";
import { parseRegistries } from "../../../src/images/registries.ts";

const AWAY = "registry.invalid";
const LAYER = Buffer.alloc(100_000, "layer");
const image = buildImage({ layers: [[{ path: "/layer", content: LAYER }]] });
const { digest, mediaType } = image.descriptor;
const [, layer = ""] = image.blobs.keys();

/** What each answers. */
let [asMirror, asRegistry]: [RequestListener, RequestListener] = [refuse, refuse];
let mirror: StrangeServer;
let registry: StrangeServer;
beforeEach(async () => {
  mirror = await startStrangeServer((request, response) => asMirror(request, response));
  registry = await startStrangeServer((request, response) => asRegistry(request, response));
});
afterEach(async () => {
  await Promise.all([mirror.stop(), registry.stop()]);
});

function refuse(...[, response]: Parameters<RequestListener>): void {
  response.destroy();
}

function say(status: number, headers: Readonly<Record<string, string>> = {}): RequestListener {
  return (_, response) => response.writeHead(status, headers).end();
}

/** Has the image, and nothing else. */
const serve: RequestListener = ({ url = "" }, response) => {
  const asked = url.replace(/.*\//, "").replace(/\?.*/, "");
  const body = asked === digest || asked === "v1" ? image.manifest : image.blobs.get(asked);
  response.writeHead(body === undefined ? 404 : 200, { "content-type": mediaType }).end(body);
};

/** As that, but for the first requests of a kind. */
function refuseFirst(count: number, what: RegExp): RequestListener {
  let left = count;
  return (request, response) => {
    const isRefused = what.test(request.url ?? "") && left-- > 0;
    (isRefused ? refuse : serve)(request, response);
  };
}

function registries(host: string, more = ""): Registries {
  return parseRegistries(`mirrors: {"${host}": {endpoint: ["http://${mirror.host}"]}}\n${more}`);
}

interface Opened {
  readonly error: unknown;
  readonly retries: readonly string[];
  readonly layer: Buffer;
}

/** The image with its layer. */
async function open(host: string, options: Partial<OpenImageOptions> = {}): Promise<Opened> {
  const retries: string[] = [];
  const pieces: Buffer[] = [];
  let error: unknown;
  try {
    const opened = await openImage({
      image: parsePinnedImage(`${host}/os/base@${digest}`),
      platform: nodePlatform(process.arch),
      registries: registries(host),
      accounts: [],
      policies: [],
      bytesPerSecond: undefined,
      patienceMs: 20_000,
      signal: AbortSignal.timeout(60_000),
      onEvent: (event: ImageEvent) => {
        if (event.kind === "retry") retries.push(event.error.message);
      },
      ...options,
    });
    for await (const piece of opened.blob(layer, image.layerBytes)) pieces.push(piece);
  } catch (thrown) {
    error = thrown;
  }
  return { error, retries, layer: Buffer.concat(pieces) };
}

describe("a mirror that refuses a connection for a moment", () => {
  it.each([
    ["has not got the image", 404],
    ["wants an account", 401],
    ["lets nobody in", 403],
  ])("delivers the image, although the registry %s", async (_, status) => {
    asMirror = refuseFirst(1, /manifests/);
    asRegistry = say(status);
    const { error, retries, layer: got } = await open(registry.host);
    expect(error).toBeUndefined();
    expect(got).toEqual(image.blobs.get(layer));
    expect(retries).toEqual([expect.stringMatching(`^${registry.host}: .*; ${mirror.host}: `)]);
  });

  it("delivers a layer, although the registry has not got it", async () => {
    asMirror = refuseFirst(1, new RegExp(`blobs/${layer}`));
    asRegistry = say(404);
    const { error, retries, layer: got } = await open(registry.host);
    expect(error).toBeUndefined();
    expect(got).toEqual(image.blobs.get(layer));
    expect(retries).toHaveLength(1);
  });

  it("is waited for as long as it asks, where waiting helps with nobody else", async () => {
    asMirror = say(429, { "retry-after": "77" });
    asRegistry = say(404);
    const { error } = await open(registry.host, { patienceMs: 0 });
    expect(error).toMatchObject({ code: "IMAGE_NOT_FOUND", retry: { afterMs: 77_000 } });
  });
});

describe("where neither mirror nor registry delivers", () => {
  it("nothing is tried again that will not help", async () => {
    [asMirror, asRegistry] = [say(404), say(403)];
    const { error, retries } = await open(registry.host);
    expect(error).toMatchObject({
      code: "IMAGE_NO_RIGHTS",
      retry: "never",
      message: expect.stringMatching(`^${registry.host}: os/base: .*403.*; ${mirror.host}: os/base: .*404`) as string,
    });
    expect(retries).toEqual([]);
  });
});

describe("a mirror of a registry that cannot be reached", () => {
  const account = `configs: {"MIRROR": {auth: {username: u, password: wrong}}}`;

  it.each([
    ["refuses the account", say(401, { "www-authenticate": "Basic" }), "IMAGE_CREDENTIALS_WRONG"],
    ["has not got the image", say(404), "IMAGE_NOT_FOUND"],
    ["speaks another protocol", say(302, { location: "ftp://x" }), "IMAGE_REGISTRY_NONSENSE"],
  ])("says that it %s, and is tried again with it", async (_, listener, code) => {
    asMirror = listener;
    const settings = registries(AWAY, account.replace("MIRROR", mirror.host));
    const { error } = await open(AWAY, { registries: settings, patienceMs: 0 });
    expect(error).toMatchObject({
      code,
      retry: "backoff",
      message: expect.stringMatching(`^${mirror.host}: os/base: .*; ${AWAY}: `) as string,
    });
  });

  it("and has no signature: that is the word which counts", async () => {
    asMirror = serve;
    const policies = [parseImagePolicy([{ images: ["**"], require: [{ publicKey: keySigner().pem }] }], "policy.yaml")];
    const { error } = await open(AWAY, { policies, patienceMs: 0 });
    expect(error).toMatchObject({
      code: "SIGNATURE_MISSING",
      retry: "backoff",
      message: expect.stringMatching(
        `^${mirror.host}: ${AWAY}/os/base@.*there is no signature of it.*; ${AWAY}: `,
      ) as string,
    });
  });

  it("is the one that tells which digest a tag names, or why not", async () => {
    const ask = (): Promise<unknown> =>
      resolveTag({
        reference: `${AWAY}/os/base:v1`,
        registries: registries(AWAY),
        account: undefined,
        signal: AbortSignal.timeout(60_000),
      });
    asMirror = serve;
    expect(await ask()).toMatchObject({ reference: `${AWAY}/os/base@${digest}` });
    asMirror = say(404);
    await expect(ask()).rejects.toMatchObject({
      code: "IMAGE_NOT_FOUND",
      message: expect.stringMatching(`^${mirror.host}: .*; ${AWAY}: `) as string,
    });
  });
});

/** The image with a layer that somebody has changed on the way, or has only the beginning of. */
function serveInstead(content: Buffer): RequestListener {
  return (request, response) => {
    if (request.url?.includes(layer) === true) response.writeHead(200).end(content);
    else serve(request, response);
  };
}

function askedForLayer({ requests }: StrangeServer): number {
  return requests.filter(({ url }) => url?.includes(layer)).length;
}

describe("a mirror with one damaged layer", () => {
  const whole = image.blobs.get(layer) ?? Buffer.alloc(0);
  const damaged = Buffer.from(whole);
  damaged[0] = 255 - (damaged[0] ?? 0);

  it("is named, and asked for that layer after the registry from then on", async () => {
    asMirror = serveInstead(damaged);
    asRegistry = serve;
    const first = await open(registry.host);
    expect(first.error).toMatchObject({
      code: "IMAGE_DIGEST_WRONG",
      message: expect.stringContaining(`${mirror.host}: `) as string,
    });
    expect([askedForLayer(mirror), askedForLayer(registry)]).toEqual([1, 0]);
    const second = await open(registry.host);
    expect(second).toMatchObject({ error: undefined, layer: whole });
    expect([askedForLayer(mirror), askedForLayer(registry)]).toEqual([1, 1]);
  });

  it("is asked again where the registry has not got it", async () => {
    asMirror = serveInstead(damaged);
    asRegistry = say(404);
    expect((await open(registry.host)).error).toMatchObject({ code: "IMAGE_DIGEST_WRONG" });
    asMirror = serve;
    expect(await open(registry.host)).toMatchObject({ error: undefined, layer: whole });
  });

  it("that ends too early is left for the registry in the middle of the layer", async () => {
    asMirror = serveInstead(whole.subarray(0, whole.length / 2));
    asRegistry = serve;
    const { error, retries, layer: got } = await open(registry.host);
    expect(error).toBeUndefined();
    expect(got).toEqual(whole);
    expect(retries).toEqual([
      `${mirror.host}: broke off in the middle of a layer`,
      `${mirror.host}: broke off in the middle of a layer`,
    ]);
  });
});
