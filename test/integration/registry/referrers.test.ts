/** Signatures in the list of what refers to an image, at a real registry that has one, and at some that answer strangely. */
import type { ServerResponse } from "node:http";
import { NO_REGISTRIES, nodePlatform, openImage, parsePinnedImage } from "@rancheros/agent/images";
import { checkSignatures, createRegistryClient } from "../../../packages/operator/src/registry/index.ts";
import { parseImageReference } from "@rancheros/protocol/images";
import { parseImagePolicy } from "@rancheros/protocol/signatures";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BUILD_TIMEOUT_MS } from "../../go/build-module.ts";
import { startReferrersRegistry, type ReferrersRegistry } from "../../referrers-registry/referrers-registry.ts";
import { buildImage, pushImage, type Descriptor, type Image } from "../../registry/index.ts";
import { sendRequest } from "../../registry/send-request.ts";
import { startStrangeServer, type StrangeServer } from "../../registry/strange-server.ts";
import { pushReferrer } from "../../sigstore/index.ts";
import { envelopeBundle, statement, testSigner } from "../../sigstore/registry-in-memory.ts";

const ours = testSigner();
const policy = parseImagePolicy([{ images: ["**"], require: [{ publicKey: ours.pem }] }], "policy.yaml");
const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
const REFERRERS = /^\/v2\/.+\/referrers\/sha256:/;

let registry: ReferrersRegistry;
/** Passes all on to the registry, but for lists of referrers. */
let strange: StrangeServer;
let answerReferrers: (url: URL, response: ServerResponse) => void;
let pages = 0;

beforeAll(async () => {
  registry = await startReferrersRegistry();
  strange = await startStrangeServer((request, response) => {
    const url = new URL(request.url ?? "", "http://registry.invalid");
    if (REFERRERS.test(url.pathname)) {
      pages += 1;
      answerReferrers(url, response);
      return;
    }
    const headers = { accept: request.headers.accept ?? "" };
    sendRequest(registry, { method: request.method ?? "", path: url.pathname, headers }).then(
      (answer) => response.writeHead(answer.status, answer.headers).end(answer.body),
      () => response.destroy(),
    );
  });
}, BUILD_TIMEOUT_MS);
afterAll(async () => {
  await strange.stop();
  await registry.kill();
});

let images = 0;

async function push(): Promise<{ readonly image: Image; readonly repository: string }> {
  images += 1;
  const image = buildImage({ layers: [[{ path: "/release", content: `image ${images}` }]] });
  const repository = `os/image-${images}`;
  await pushImage(registry, repository, "v1", image);
  return { image, repository };
}

function sign(repository: string, { descriptor }: Image): Promise<Descriptor> {
  return pushReferrer(registry, repository, descriptor, envelopeBundle(ours, statement(descriptor.digest)));
}

async function askOperator(host: string, repository: string, digest: string): Promise<string> {
  const client = createRegistryClient({ caPem: undefined, environment: {} });
  const settings = { mirrors: new Map(), insecureHosts: new Set([host]) };
  const verifyKeyless = () => Promise.resolve({ problem: "nobody signs without a key here" });
  try {
    const reference = parseImageReference(`${host}/${repository}@${digest}`);
    const asked = { policy, verifyKeyless, settings, credentials: [] };
    return (await checkSignatures(client, reference, digest, asked)).kind;
  } catch (error) {
    return codeOf(error);
  } finally {
    await client.close();
  }
}

async function askNode(host: string, repository: string, digest: string): Promise<string> {
  const kinds: string[] = [];
  try {
    await openImage({
      image: parsePinnedImage(`${host}/${repository}@${digest}`),
      platform: nodePlatform(process.arch),
      registries: NO_REGISTRIES,
      accounts: [],
      policies: [policy],
      bytesPerSecond: undefined,
      patienceMs: 0,
      signal: AbortSignal.timeout(60_000),
      onEvent: ({ kind }) => kinds.push(kind),
    });
    return kinds.join();
  } catch (error) {
    return codeOf(error);
  }
}

function codeOf(error: unknown): string {
  return (error as { readonly code?: string }).code ?? String(error);
}

/** Operator and node: the same code, and two ways to ask. */
async function ask({ host }: { readonly host: string }, repository: string, { descriptor: { digest } }: Image) {
  return [await askOperator(host, repository, digest), await askNode(host, repository, digest)];
}

describe("a registry that keeps the list", () => {
  it("lets an image in whose signature only the list leads to, and no other", async () => {
    const { image, repository } = await push();
    expect(await ask(registry, repository, image)).toEqual(["SIGNATURE_MISSING", "SIGNATURE_MISSING"]);
    await sign(repository, image);
    expect(await ask(registry, repository, image)).toEqual(["signed", "signed"]);
    const other = await push();
    await pushReferrer(
      registry,
      other.repository,
      other.image.descriptor,
      envelopeBundle(ours, statement(image.descriptor.digest)),
    );
    expect(await ask(registry, other.repository, other.image)).toEqual([
      "SIGNATURE_OTHER_IMAGE",
      "SIGNATURE_OTHER_IMAGE",
    ]);
  });
});

function answer(response: ServerResponse, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(200, { "content-type": INDEX_TYPE, ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

function indexOf(manifests: readonly unknown[]): object {
  return { schemaVersion: 2, mediaType: INDEX_TYPE, manifests };
}

const SBOM = {
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  artifactType: "application/spdx+json",
  digest: `sha256:${"0".repeat(64)}`,
  size: 1,
};

describe("a list of many pages", () => {
  it("is read to the signature behind 10,000 others, with the filter, and no page twice", async () => {
    const { image, repository } = await push();
    const all = [...Array.from({ length: 10_000 }, () => SBOM), await sign(repository, image)];
    const filters = new Set<string | null>();
    answerReferrers = (url, response) => {
      filters.add(url.searchParams.get("artifactType"));
      const from = Number(url.searchParams.get("from") ?? 0);
      const next = new URL(url);
      next.searchParams.set("from", String(from + 500));
      const link = { link: `<${next.pathname}${next.search}>; rel="next"` };
      answer(response, indexOf(all.slice(from, from + 500)), from + 500 < all.length ? link : {});
    };
    pages = 0;
    expect(await ask(strange, repository, image)).toEqual(["signed", "signed"]);
    expect(pages).toBe(2 * 21);
    expect([...filters]).toEqual(["application/vnd.dev.sigstore.bundle.v0.3+json"]);
  });

  it("without an end is left", async () => {
    const { image, repository } = await push();
    answerReferrers = (url, response) => {
      answer(response, indexOf([SBOM]), { link: `<${url.pathname}?page=${pages}>; rel="next"` });
    };
    pages = 0;
    expect(await ask(strange, repository, image)).toEqual(["SIGNATURE_TOO_MANY", "SIGNATURE_TOO_MANY"]);
    expect(pages).toBeLessThanOrEqual(2 * 101);
  });
});

describe("a strange answer", () => {
  it.each<[string, (url: URL, response: ServerResponse) => void, string, string]>([
    ["a page for people", (_, response) => answer(response, "<html>", { "content-type": "text/html" }), "MISSING", ""],
    ["of no index", (_, response) => answer(response, "<html>"), "BROKEN", ""],
    ["of an index of nonsense", (_, response) => answer(response, indexOf([null, [], { digest: 1 }])), "BROKEN", ""],
    ["that there is no such path", (_, response) => response.writeHead(404).end(), "MISSING", ""],
    ["that it does not know how", (_, response) => response.writeHead(501).end(), "MISSING", ""],
    ["that it is busy", (_, response) => response.writeHead(503).end(), "REGISTRY_BUSY", "IMAGE_REGISTRY_BUSY"],
    ["that nobody may", (_, response) => response.writeHead(403).end(), "REGISTRY_REFUSED", "IMAGE_NO_RIGHTS"],
    [
      "that goes on at another server",
      (_, response) => answer(response, indexOf([]), { link: '<http://127.0.0.1:1/v2/x>; rel="next"' }),
      "REGISTRY_NONSENSE",
      "IMAGE_REGISTRY_NONSENSE",
    ],
    [
      "that goes on with a page for people",
      (url, response) => {
        const isFirst = url.searchParams.get("n") === null;
        const next = { link: `<${url.pathname}?n=2>; rel="next"` };
        answer(response, indexOf([]), isFirst ? next : { "content-type": "text/html" });
      },
      "REGISTRY_NONSENSE",
      "IMAGE_REGISTRY_NONSENSE",
    ],
    [
      "of more than anybody reads",
      (_, response) => answer(response, indexOf(Array.from({ length: 30_000 }, () => SBOM))),
      "REGISTRY_NONSENSE",
      "IMAGE_REGISTRY_NONSENSE",
    ],
  ])("%s is no signature, and is called what it is", async (_, how, byOperator, byNode) => {
    const { image, repository } = await push();
    answerReferrers = how;
    const wanted = byNode === "" ? [`SIGNATURE_${byOperator}`, `SIGNATURE_${byOperator}`] : [byOperator, byNode];
    expect(await ask(strange, repository, image)).toEqual(wanted);
  });
});
