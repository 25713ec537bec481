import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { CodedError } from "../../../src/errors/index.ts";
import { CANDIDATES_MAX, type SignatureSource } from "../../../src/signatures/index.ts";
import {
  digestOf,
  jsonBytes,
  memoryRegistry,
  NAME,
  pushBundle,
  pushImage,
  pushSimple,
  simpleEntry,
  simplePayload,
  testSigner,
  type KeyKind,
  type MemoryRegistry,
} from "../../../../../test/sigstore/registry-in-memory.ts";
import { checkedImage, OTHER, ours, stranger, type CheckedImage } from "./checked-image.ts";

let registry: MemoryRegistry;
let image: string;
let check: CheckedImage["check"];
let refused: CheckedImage["refused"];

beforeEach(() => {
  ({ registry, image, check, refused } = checkedImage());
});

describe("a signature as cosign puts it below a tag", () => {
  it.each<[KeyKind, string]>([
    ["P-256", "sha256"],
    ["P-384", "sha256"],
    ["P-384", "sha384"],
    ["P-521", "sha256"],
    ["P-521", "sha512"],
    ["Ed25519", "none"],
    ["RSA", "sha256"],
  ])("lets the image in that a key of %s has signed, with %s", async (kind, hash) => {
    const signer = testSigner(kind, hash);
    pushSimple(registry, image, [simpleEntry(signer, simplePayload(image))]);
    const verdict = await check({ keys: [stranger.pem, signer.pem] });
    expect(verdict).toMatchObject({ kind: "signed", digest: image });
  });

  it("is found behind those of strangers and behind garbage", async () => {
    pushSimple(registry, image, [
      simpleEntry(stranger, simplePayload(image)),
      { payload: Buffer.from("garbage"), signature: Buffer.from("garbage") },
      simpleEntry(ours, simplePayload(image)),
    ]);
    expect(await check()).toMatchObject({ kind: "signed" });
  });

  it("does not let in what nobody has signed", async () => {
    const [code, message] = await refused();
    expect(code).toBe("SIGNATURE_MISSING");
    expect(message).toContain(`${NAME}@${image}`);
    expect(message).toContain("policy.yaml, rule 1");
  });

  it("does not let in what a stranger has signed", async () => {
    pushSimple(registry, image, [simpleEntry(stranger, simplePayload(image))]);
    expect((await refused())[0]).toBe("SIGNATURE_UNTRUSTED");
  });

  it("of another image, replayed beside this one, is told apart from that of a stranger", async () => {
    pushSimple(registry, image, [simpleEntry(ours, simplePayload(OTHER))]);
    const [code, message] = await refused();
    expect(code).toBe("SIGNATURE_OTHER_IMAGE");
    expect(message).toContain(OTHER);
  });

  it("counts for nothing with another payload", async () => {
    const { signature } = simpleEntry(ours, simplePayload(OTHER));
    pushSimple(registry, image, [{ payload: simplePayload(image), signature }]);
    expect((await refused())[0]).toBe("SIGNATURE_UNTRUSTED");
  });

  it("is no signature of an image where it says that it is one of something else", async () => {
    pushSimple(registry, image, [simpleEntry(ours, simplePayload(image, NAME, "atomic container signature"))]);
    expect((await refused())[0]).toBe("SIGNATURE_OTHER_IMAGE");
  });

  it("of another repository counts as with cosign, unless the rule wants the same one", async () => {
    pushSimple(registry, image, [simpleEntry(ours, simplePayload(image, "registry.example.com/test/rancher"))]);
    expect(await check()).toMatchObject({ kind: "signed" });
    const [code, message] = await refused({ rule: { sameRepository: true } });
    expect(code).toBe("SIGNATURE_OTHER_IMAGE");
    expect(message).toContain("registry.example.com/test/rancher");
  });

  it("names the repository as people write it: with tag, and docker.io as cosign writes it", async () => {
    const name = "docker.io/library/os";
    pushSimple(registry, image, [simpleEntry(ours, simplePayload(image, "index.docker.io/library/os:v1"))]);
    const rule = { images: ["**/os"], sameRepository: true };
    expect(await check({ name, rule })).toMatchObject({ kind: "signed" });
  });
});

describe("an index and the image in it", () => {
  it("are let in where either is signed", async () => {
    const platform = pushImage(registry, "v1 for one platform");
    expect((await refused({ digests: [image, platform] }))[0]).toBe("SIGNATURE_MISSING");
    pushSimple(registry, platform, [simpleEntry(ours, simplePayload(platform))]);
    expect(await check({ digests: [image, platform] })).toMatchObject({ kind: "signed", digest: platform });
    pushSimple(registry, image, [simpleEntry(ours, simplePayload(image))]);
    expect(await check({ digests: [image, platform] })).toMatchObject({ kind: "signed", digest: image });
  });
});

describe("a rule", () => {
  it("that says ignore asks nobody, and neither does a policy without a rule for the image", async () => {
    expect(await check({ rule: { mode: "ignore" } })).toEqual({ kind: "unchecked" });
    expect(await check({ name: "other.example.com/os" })).toEqual({ kind: "unchecked" });
    expect(registry.asked).toBe(0);
  });

  it("that says warn lets an unsigned image in, and says what it would be refused for", async () => {
    const verdict = await check({ rule: { mode: "warn" } });
    expect(verdict).toMatchObject({ kind: "warned", error: { code: "SIGNATURE_MISSING" } });
  });

  it("that says warn lets an image in whose registry is in trouble", async () => {
    const source = failing(registry);
    expect(await check({ rule: { mode: "warn" }, source })).toMatchObject({ kind: "warned", error: { code: "BUSY" } });
  });
});

const ROWS = { BUSY: { failure: "refused", retry: "backoff", meaning: "", mend: "" } } as const;

/** Does not get behind the signatures' manifest. */
function failing(source: SignatureSource): SignatureSource {
  const blob = (): Promise<never> => Promise.reject(new CodedError(ROWS, "BUSY", "come back"));
  return { image: (digest) => source.image(digest), manifest: blob, referrers: blob, blob };
}

describe("what a registry does", () => {
  it("is never taken for a missing signature where it is in trouble", async () => {
    expect(await refused({ source: failing(registry) })).toEqual(["BUSY", "come back"]);
  });

  it("is told of where it has lost a part of a signature", async () => {
    pushSimple(registry, image, [simpleEntry(ours, simplePayload(image))]);
    registry.blobs.clear();
    expect((await refused())[0]).toBe("SIGNATURE_BROKEN");
  });

  it.each([
    ["a text", Buffer.from("<html>")],
    ["no layers", jsonBytes({ schemaVersion: 2 })],
    ["layers that are none", jsonBytes({ layers: [null, 1, "x", [], {}] })],
    ["bytes that are no UTF-8", Buffer.from([0xff, 0xfe, 0x00])],
  ])("is refused as broken where the signatures are %s", async (_, bytes) => {
    registry.manifests.set(`${image.replace(":", "-")}.sig`, bytes);
    expect((await refused())[0]).toBe("SIGNATURE_BROKEN");
  });

  it("keeps nobody busy with signatures without end", async () => {
    const many = Array.from({ length: 500 }, () => simpleEntry(stranger, simplePayload(image)));
    pushSimple(registry, image, [...many, simpleEntry(ours, simplePayload(image))]);
    expect((await refused())[0]).toBe("SIGNATURE_TOO_MANY");
    expect(registry.asked).toBeLessThanOrEqual(CANDIDATES_MAX + 3);
  });

  it("lets nothing in, whatever is bent in a signature", async () => {
    const payload = simplePayload(image);
    const { signature } = simpleEntry(ours, payload);
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.nat(), fc.integer({ min: 1, max: 255 }), async (inPayload, at, flip) => {
        const [bentPayload, bentSignature] = [Buffer.from(payload), Buffer.from(signature)];
        const bent = inPayload ? bentPayload : bentSignature;
        bent[at % bent.length] = (bent[at % bent.length] ?? 0) ^ flip;
        pushSimple(registry, image, [{ payload: bentPayload, signature: bentSignature }]);
        expect((await refused())[0]).toMatch(/^SIGNATURE_(UNTRUSTED|BROKEN)$/);
      }),
      { numRuns: 200 },
    );
  });

  it("lets nothing in and breaks nothing, whatever JSON lies where a bundle should be", async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), fc.json(), async (index, bundle) => {
        const fresh = memoryRegistry();
        const digest = pushImage(fresh, "v1");
        pushBundle(fresh, digest, JSON.parse(bundle));
        fresh.manifests.set(`${digest.replace(":", "-")}.sig`, Buffer.from(index));
        expect((await refused({ source: fresh, digests: [digest] }))[0]).toMatch(/^SIGNATURE_(UNTRUSTED|BROKEN)$/);
      }),
      { numRuns: 200 },
    );
  });

  it("gives digests that are those of its bytes", () => {
    expect(image).toBe(digestOf(registry.manifests.get(image) ?? Buffer.alloc(0)));
  });
});
