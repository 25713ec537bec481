/** A bundle that refers to an image: found among all that does, and held against the image. */
import { beforeEach, describe, expect, it } from "vitest";
import {
  digestOf,
  envelopeBundle,
  jsonBytes,
  messageBundle,
  NAME,
  pushBundle,
  statement,
  testSigner,
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

describe("a bundle that refers to the image", () => {
  it.each([true, false])("lets the image in, with a list of referrers: %s", async (hasReferrers) => {
    registry.hasReferrers = hasReferrers;
    pushBundle(registry, image, envelopeBundle(ours, statement(image)));
    expect(await check()).toMatchObject({ kind: "signed", digest: image });
  });

  it("is found behind 10,000 statements of others, page by page", async () => {
    registry.referring.set(
      image,
      Array.from({ length: 10_000 }, (_, at) => {
        return { artifactType: "application/vnd.example.sbom", digest: digestOf(Buffer.from(String(at))), size: 1 };
      }),
    );
    registry.pageEntries = 1_000;
    expect((await refused())[0]).toBe("SIGNATURE_MISSING");
    pushBundle(registry, image, envelopeBundle(ours, statement(image)));
    expect(await check()).toMatchObject({ kind: "signed" });
  });

  it.each([undefined, "application/vnd.oci.empty.v1+json"])(
    "is found where the list calls it %s",
    async (artifactType) => {
      pushBundle(registry, image, envelopeBundle(ours, statement(image)));
      const [entry] = registry.referring.get(image) ?? [];
      registry.referring.set(image, [{ ...(entry as object), artifactType }]);
      expect(await check()).toMatchObject({ kind: "signed" });
      const others = Array.from({ length: 100 }, (_, at) => {
        const sbom = jsonBytes({ artifactType: "application/spdx+json", subject: { digest: image }, at });
        registry.manifests.set(digestOf(sbom), sbom);
        return { artifactType, digest: digestOf(sbom), size: sbom.length };
      });
      registry.referring.set(image, others.slice(0, 50));
      expect((await refused())[0]).toBe("SIGNATURE_MISSING");
      registry.asked = 0;
      registry.referring.set(image, others);
      expect((await refused())[0]).toBe("SIGNATURE_TOO_MANY");
      expect(registry.asked).toBeLessThan(70);
    },
  );

  it("keeps nobody busy with pages without end", async () => {
    registry.referring.set(image, Array.from({ length: 10_000 }));
    registry.pageEntries = 1;
    expect((await refused())[0]).toBe("SIGNATURE_TOO_MANY");
    expect(registry.asked).toBeLessThan(110);
  });

  it("may be a signature of the manifest itself", async () => {
    const manifest = registry.manifests.get(image) ?? Buffer.alloc(0);
    pushBundle(registry, image, messageBundle(ours, manifest));
    expect(await check()).toMatchObject({ kind: "signed" });
    expect((await refused({ rule: { sameRepository: true } }))[0]).toBe("SIGNATURE_OTHER_IMAGE");
    const longer = testSigner("P-384", "sha384");
    pushBundle(registry, image, messageBundle(longer, manifest, 384));
    expect(await check({ keys: [longer.pem] })).toMatchObject({ kind: "signed" });
  });

  it("does not let in what its statement is not about", async () => {
    pushBundle(registry, image, envelopeBundle(ours, statement(OTHER)));
    expect((await refused())[0]).toBe("SIGNATURE_OTHER_IMAGE");
  });

  it("is no signature where it states something else of the image, such as that a scan found it bad", async () => {
    const predicateType = "https://cosign.sigstore.dev/attestation/vuln/v1";
    pushBundle(registry, image, envelopeBundle(ours, statement(image, { predicateType })));
    const [code, message] = await refused();
    expect(code).toBe("SIGNATURE_OTHER_IMAGE");
    expect(message).toContain(predicateType);
  });

  it("does not let in what a stranger has signed", async () => {
    pushBundle(registry, image, envelopeBundle(stranger, statement(image)));
    expect((await refused())[0]).toBe("SIGNATURE_UNTRUSTED");
  });

  it("counts for nothing with another payload", async () => {
    const { dsseEnvelope, ...bundle } = envelopeBundle(ours, statement(OTHER));
    const payload = statement(image).toString("base64");
    pushBundle(registry, image, { ...bundle, dsseEnvelope: { ...dsseEnvelope, payload } });
    expect((await refused())[0]).toBe("SIGNATURE_UNTRUSTED");
  });

  it("whose manifest refers to another image is none of this one", async () => {
    pushBundle(registry, image, envelopeBundle(ours, statement(image)), OTHER);
    expect((await refused())[0]).toBe("SIGNATURE_BROKEN");
  });

  it("of the same repository is asked for by name", async () => {
    pushBundle(registry, image, envelopeBundle(ours, statement(image, { name: "registry.example.com/other" })));
    expect((await refused({ rule: { sameRepository: true } }))[0]).toBe("SIGNATURE_OTHER_IMAGE");
    pushBundle(registry, image, envelopeBundle(ours, statement(image, { name: NAME })));
    expect(await check({ rule: { sameRepository: true } })).toMatchObject({ kind: "signed" });
  });
});
