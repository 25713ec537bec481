import { beforeEach, expect, it } from "vitest";
import { parseImageReference } from "@rancheros/protocol/images";
import { checkImage, parseImagePolicy, type ImageVerdict } from "@rancheros/protocol/signatures";
import {
  envelopeBundle,
  memoryRegistry,
  NAME,
  pushBundle,
  pushImage,
  statement,
  testSigner,
  type MemoryRegistry,
} from "../../../../../test/sigstore/registry-in-memory.ts";
import { endpointsOf } from "../../../src/registry/endpoints.ts";
import { readReferrers } from "../../../src/registry/read-referrers.ts";
import { RegistryVisit } from "../../../src/registry/registry-visit.ts";

const ours = testSigner();
let registry: MemoryRegistry;
let image: string;

beforeEach(() => {
  registry = memoryRegistry();
  image = pushImage(registry, "v1");
});

/** Of the image, in a registry that answers with the first page, and this header. */
async function check(link: string): Promise<ImageVerdict> {
  const [endpoint] = endpointsOf(parseImageReference(NAME), { mirrors: new Map(), insecureHosts: new Set() });
  if (endpoint === undefined) throw new Error("there is no endpoint");
  const page = await registry.referrers(image);
  const headers = { "content-type": "application/vnd.oci.image.index.v1+json", link };
  const outside = {
    send: () => Promise.resolve({ status: 200, headers, body: page?.index ?? Buffer.alloc(0) }),
    nowMs: () => 0,
  };
  const visit = new RegistryVisit(outside, { endpoint, credential: undefined, deadlineAtMs: 1_000, signal: undefined });
  const source = { ...registry, referrers: (digest: string) => readReferrers(visit, endpoint, digest) };
  const policy = parseImagePolicy([{ images: ["**"], require: [{ publicKey: ours.pem }] }], "policy.yaml");
  const verifyKeyless = () => Promise.resolve({ problem: "nobody is to be asked" });
  return checkImage({ name: NAME, digests: [image] }, { policy, source, verifyKeyless });
}

const ELSEWHERE = '<http://other.example.com/v2/os/rancher/referrers/x?last=1>; rel="next"';

it("finds the signature on a first page whose next one is said to be elsewhere", async () => {
  pushBundle(registry, image, envelopeBundle(ours, statement(image)));
  expect(await check(ELSEWHERE)).toMatchObject({ kind: "signed", digest: image });
});

it("does not take an image for unsigned where the signature may be on a page that is said to be elsewhere", async () => {
  pushBundle(registry, image, envelopeBundle(testSigner(), statement(image)));
  await expect(check(ELSEWHERE)).rejects.toMatchObject({
    code: "REGISTRY_NONSENSE",
    message: expect.stringContaining("is said to go on elsewhere") as string,
  });
});
