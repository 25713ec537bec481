/** Signatures by another hand: the library that cosign signs with, in test/sigstore/signer, with every kind of key. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { checkImage, parseImagePolicy, SignatureError } from "../../../src/signatures/index.ts";
import {
  memoryRegistry,
  NAME,
  pushBundle,
  pushImage,
  pushSimple,
  type MemoryRegistry,
} from "../../../../../test/sigstore/registry-in-memory.ts";

interface Vector {
  readonly key: string;
  readonly publicKey: string;
  readonly payload: string;
  readonly signature: string;
  readonly envelope: { readonly payload: string; readonly signatures: readonly unknown[] };
}

const FILE = path.join(import.meta.dirname, "../../../../../test/sigstore/signer/vectors.json");
const { image, vectors } = JSON.parse(readFileSync(FILE, "utf8")) as { image: string; vectors: readonly Vector[] };
const proved = vectors.filter(({ key }) => key !== "Ed25519ph");
const stranger = vectors[0]?.publicKey ?? "";

function pushTag(registry: MemoryRegistry, digest: string, { payload, signature }: Vector): void {
  pushSimple(registry, digest, [{ payload: Buffer.from(payload), signature: Buffer.from(signature, "base64") }]);
}

function pushEnvelope(registry: MemoryRegistry, digest: string, { envelope }: Vector): void {
  const mediaType = "application/vnd.dev.sigstore.bundle.v0.3+json";
  pushBundle(registry, digest, { mediaType, verificationMaterial: { publicKey: {} }, dsseEnvelope: envelope });
}

/** @returns signed, or the code and the message */
async function check(
  push: typeof pushTag,
  vector: Vector,
  { publicKey = vector.publicKey, what = "v1", sameRepository = false } = {},
): Promise<string> {
  const registry = memoryRegistry();
  const digest = pushImage(registry, what);
  push(registry, digest, vector);
  const policy = parseImagePolicy([{ images: ["**"], require: [{ publicKey }], sameRepository }], "policy.yaml");
  const verifyKeyless = () => Promise.resolve({ problem: "nobody signs without a key here" });
  try {
    return (await checkImage({ name: NAME, digests: [digest] }, { policy, source: registry, verifyKeyless })).kind;
  } catch (error) {
    if (error instanceof SignatureError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

describe.each([
  ["below a tag", pushTag],
  ["in a bundle", pushEnvelope],
])("a signature %s", (_, push) => {
  it.each(proved)("of $key lets its image in, and no other image", async (vector) => {
    expect(await check(push, vector)).toBe("signed");
    expect(await check(push, vector, { what: "v2" })).toMatch(/^SIGNATURE_OTHER_IMAGE/);
  });

  it.each(proved.slice(1))("of $key is none of another key", async (vector) => {
    expect(await check(push, vector, { publicKey: stranger })).toMatch(/^SIGNATURE_UNTRUSTED/);
  });

  it.each(vectors)("of $key is none of another payload", async (vector) => {
    const payload = vector.payload.replace('"7"', '"8"');
    const envelope = { ...vector.envelope, payload: Buffer.from(payload).toString("base64") };
    expect(await check(push, { ...vector, payload, envelope })).toMatch(/^SIGNATURE_UNTRUSTED/);
  });

  it("of Ed25519ph is refused, and the message says that it cannot be proved", async () => {
    const vector = vectors.find(({ key }) => key === "Ed25519ph");
    if (vector === undefined) throw new Error("there is none");
    expect(await check(push, vector)).toMatch(/^SIGNATURE_UNTRUSTED: .*cosign makes Ed25519ph: take ECDSA/);
  });
});

it("below a tag names the repository, with annotations beside", async () => {
  const [vector] = vectors;
  if (vector === undefined) throw new Error("there is none");
  expect(image.startsWith(`${NAME}@`)).toBe(true);
  expect(vector.payload).toContain('"optional":{"build":"7"}');
  expect(await check(pushTag, vector, { sameRepository: true })).toBe("signed");
});
