import { beforeEach, expect, it } from "vitest";
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
import { endpointsOf } from "../../../src/images/endpoints.ts";
import { NO_REGISTRIES, parsePinnedImage } from "../../../src/images/index.ts";
import { signatureSource } from "../../../src/images/signature-source.ts";

const ours = testSigner();
let registry: MemoryRegistry;
let image: string;

beforeEach(() => {
  registry = memoryRegistry();
  image = pushImage(registry, "v1");
});

/** Of the image, in a registry that answers with the first page, and this header. */
async function check(link: string): Promise<ImageVerdict> {
  const [endpoint] = endpointsOf(parsePinnedImage(`${NAME}@${image}`), NO_REGISTRIES, undefined);
  if (endpoint === undefined) throw new Error("there is no endpoint");
  const page = await registry.referrers(image);
  const headers = new Map([
    ["content-type", "application/vnd.oci.image.index.v1+json"],
    ["link", link],
  ]);
  async function* body(): AsyncGenerator<Buffer> {
    yield await Promise.resolve(page?.index ?? Buffer.alloc(0));
  }
  const answer = {
    status: 200,
    header: (name: string) => headers.get(name),
    body: body(),
    close: () => undefined,
  };
  const session = { endpoint, get: () => Promise.resolve(answer) };
  const asked = signatureSource(session, new Map(), new AbortController().signal);
  const policy = parseImagePolicy([{ images: ["**"], require: [{ publicKey: ours.pem }] }], "policy.yaml");
  const verifyKeyless = () => Promise.resolve({ problem: "nobody is to be asked" });
  const source = { ...registry, referrers: (digest: string) => asked.referrers(digest) };
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
    code: "IMAGE_REGISTRY_NONSENSE",
    message: expect.stringContaining("is said to go on elsewhere") as string,
  });
});
