/** Several accounts for one registry: which is tried when, and what is said where none of them helps. */
import { afterEach, describe, expect, it } from "vitest";
import { accountsOf, NO_REGISTRIES, nodePlatform, openImage, parsePinnedImage } from "@rancheros/agent/images";
import { buildImage } from "../../../../../test/registry/index.ts";
import { startStrangeServer, type StrangeServer } from "../../../../../test/registry/strange-server.ts";

const image = buildImage({ layers: [[{ path: "/layer", content: "layer" }]] });
const { digest, mediaType } = image.descriptor;
const [, layer = ""] = image.blobs.keys();
const servers: StrangeServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

/** @param answers  by user: the status that it gets; who is not named is not known */
async function start(answers: Readonly<Record<string, number>>): Promise<StrangeServer> {
  const server = await startStrangeServer(({ headers, url = "" }, response) => {
    const user = userOf(headers.authorization);
    const status = user === undefined ? 401 : (answers[user] ?? 401);
    const asked = url.replace(/.*\//, "").replace(/\?.*/, "");
    const body = asked === digest ? image.manifest : image.blobs.get(asked);
    const login = status === 401 ? { "www-authenticate": "Basic" } : {};
    response.writeHead(status === 200 && body === undefined ? 404 : status, { "content-type": mediaType, ...login });
    response.end(status === 200 ? body : undefined);
  });
  servers.push(server);
  return server;
}

function userOf(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined;
  return Buffer.from(authorization.replace("Basic ", ""), "base64").toString().split(":")[0];
}

/** Who was shown to the server, in order, each as often as it changes. */
function users({ requests }: StrangeServer): readonly string[] {
  const all = requests.flatMap(({ headers }) => userOf(headers.authorization) ?? []);
  return all.filter((user, index) => user !== all[index - 1]);
}

/** The image with its layer. */
async function open({ host }: StrangeServer, ...names: readonly string[]): Promise<Buffer> {
  const credentials = names.map((username) => ({ registry: host, username, password: "p" }));
  const opened = await openImage({
    image: parsePinnedImage(`${host}/os@${digest}`),
    platform: nodePlatform(process.arch),
    registries: NO_REGISTRIES,
    accounts: accountsOf([{ registry: "other.test", username: "other", password: "p" }, ...credentials], host),
    policies: [],
    bytesPerSecond: undefined,
    patienceMs: 0,
    signal: AbortSignal.timeout(30_000),
    onEvent: () => undefined,
  });
  const pieces: Buffer[] = [];
  for await (const piece of opened.blob(layer, image.layerBytes)) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe("several accounts for one registry", () => {
  it.each([401, 403, 404])("are tried until one may, where the registry says %d to the others", async (status) => {
    const server = await start({ first: status, second: 200, third: 200 });
    expect(await open(server, "first", "second", "third")).toEqual(image.blobs.get(layer));
    expect(users(server)).toEqual(["first", "second"]);
  });

  it("are all tried, also where a plan has many of them", async () => {
    const server = await start({ last: 200 });
    const stale = Array.from({ length: 40 }, (_, index) => `stale-${index}`);
    expect(await open(server, ...stale, "last")).toEqual(image.blobs.get(layer));
    expect(users(server)).toEqual([...stale, "last"]);
  });

  it("are not tried where the registry itself is in trouble", async () => {
    const server = await start({ first: 500, second: 200 });
    await expect(open(server, "first", "second")).rejects.toMatchObject({ code: "IMAGE_REGISTRY_FAILED" });
    expect(users(server)).toEqual(["first"]);
  });

  it("of which none may are told of by the one that says most, with the words of the others", async () => {
    const server = await start({ first: 404, second: 403 });
    await expect(open(server, "first", "second", "unknown")).rejects.toMatchObject({
      code: "IMAGE_CREDENTIALS_WRONG",
      retry: "never",
      message: expect.stringMatching(/HTTP 401.*; .*HTTP 404.*; .*HTTP 403/) as string,
    });
  });
});
