/** Signatures at a registry with several accounts, of an image that a mirror delivers: nobody has been let in there yet. */
import type { RequestListener } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nodePlatform, openImage, parsePinnedImage } from "@rancheros/agent/images";
import { parseImagePolicy } from "@rancheros/protocol/signatures";
import { buildImage } from "../../../../../test/registry/index.ts";
import { startStrangeServer, type StrangeServer } from "../../../../../test/registry/strange-server.ts";
import {
  envelopeBundle,
  memoryRegistry,
  pushBundle,
  statement,
  testSigner,
  type MemoryRegistry,
} from "../../../../../test/sigstore/registry-in-memory.ts";
import { parseRegistries } from "../../../src/images/registries.ts";

const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
const image = buildImage({ layers: [[{ path: "/layer", content: "layer" }]] });
const { digest, mediaType } = image.descriptor;
const ours = testSigner();

let content: MemoryRegistry;
let mirror: StrangeServer;
let registry: StrangeServer;
/** What the registry says to those who ask for lists of referrers, and by user what it says to everything. */
let listStatus: number;
let statusOf: Readonly<Record<string, number>>;

beforeEach(async () => {
  content = memoryRegistry();
  content.hasReferrers = false;
  listStatus = 404;
  statusOf = {};
  mirror = await startStrangeServer(({ url = "" }, response) => {
    const asked = lastOf(url);
    const body = asked === digest ? image.manifest : image.blobs.get(asked);
    response.writeHead(body === undefined ? 404 : 200, { "content-type": mediaType }).end(body);
  });
  registry = await startStrangeServer(answerAsRegistry);
});
afterEach(async () => {
  await Promise.all([mirror.stop(), registry.stop()]);
});

function lastOf(url: string): string {
  return url.replace(/.*\//, "").replace(/\?.*/, "");
}

/** The reader may read all that there is; who is not named is not known. */
const answerAsRegistry: RequestListener = ({ headers, url = "" }, response) => {
  const login = Buffer.from((headers.authorization ?? "").replace("Basic ", ""), "base64").toString();
  const [user = ""] = login.split(":");
  if (user !== "reader") {
    response.writeHead(statusOf[user] ?? 401, { "www-authenticate": "Basic" }).end();
  } else if (url.includes("/referrers/")) {
    response.writeHead(listStatus).end();
  } else {
    const asked = lastOf(url);
    const say = (body: Buffer | undefined): unknown =>
      response.writeHead(body === undefined ? 404 : 200, { "content-type": INDEX_TYPE }).end(body);
    content.manifest(asked).then(
      (manifest) => say(manifest ?? content.blobs.get(asked)),
      () => response.destroy(),
    );
  }
};

/** @returns how it was let in */
async function open(...names: readonly string[]): Promise<readonly string[]> {
  const events: string[] = [];
  await openImage({
    image: parsePinnedImage(`${registry.host}/os@${digest}`),
    platform: nodePlatform(process.arch),
    registries: parseRegistries(`mirrors: {"${registry.host}": {endpoint: ["http://${mirror.host}"]}}`),
    accounts: names.map((username) => ({ username, password: "p" })),
    policies: [parseImagePolicy([{ images: ["**"], require: [{ publicKey: ours.pem }] }], "policy.yaml")],
    bytesPerSecond: undefined,
    patienceMs: 0,
    signal: AbortSignal.timeout(30_000),
    onEvent: ({ kind }) => events.push(kind),
  });
  return events;
}

describe("signatures at a registry with several accounts", () => {
  it.each([
    { stale: 401, list: 404, order: ["reader", "stale"] },
    { stale: 401, list: 404, order: ["stale", "reader"] },
    { stale: 403, list: 404, order: ["stale", "reader"] },
    { stale: 404, list: 404, order: ["stale", "reader"] },
    { stale: 401, list: 405, order: ["reader", "stale"] },
    { stale: 401, list: 405, order: ["stale", "reader"] },
  ])("are found where one gets $stale and lists get $list: $order", async ({ stale, list, order }) => {
    pushBundle(content, digest, envelopeBundle(ours, statement(digest)));
    statusOf = { stale };
    listStatus = list;
    expect(await open(...order)).toEqual(["signed"]);
  });

  it("are missing where one is told so and the others are refused", async () => {
    const message = expect.not.stringContaining("HTTP 401") as string;
    await expect(open("reader", "stale")).rejects.toMatchObject({ code: "SIGNATURE_MISSING", message });
  });

  it("may be there where all accounts are refused", async () => {
    const words = expect.stringContaining("the account is refused (HTTP 401)") as string;
    await expect(open("stale", "older")).rejects.toMatchObject({ message: words });
  });

  it("may be there where one is told that there are none, and the next one that the registry is in trouble", async () => {
    statusOf = { hidden: 404, next: 500 };
    await expect(open("hidden", "next")).rejects.toMatchObject({ retry: "backoff" });
  });
});
