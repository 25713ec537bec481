/** Rancher's default registry before images that name none, and what docs/install-operator.md has people do before that. */
import { parseImageReference, pinImageReference, writeImageReference } from "@rancheros/protocol/images";
import type { ManagedOSImage } from "@rancheros/protocol/resources";
import { describe, expect, it } from "vitest";
import { effectiveImage } from "../../../src/rollout/effective-image.ts";
import { planOf } from "../../../src/rollout/resolved.ts";
import { RolloutIndex } from "../../../src/rollout/rollout-index.ts";
import { NO_VERSIONS } from "../../../src/versions/index.ts";
import { digestPinned } from "./digest-pinned.ts";
import { imageOf, NAMESPACE, versionOf } from "./image-of.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const metadata = { name: "os", namespace: "fleet-local", uid: "i", resourceVersion: "1", generation: 1 };

/** The plan that comes of an osImage whose tag stands for DIGEST. */
function planFor(osImage: string, registry?: string): string {
  const source: ManagedOSImage = { metadata, spec: { osImage } };
  const { object } = effectiveImage(source, NO_VERSIONS, registry);
  const resolvedImage = object.spec.osImage ?? "";
  const reference = writeImageReference(pinImageReference(parseImageReference(resolvedImage), DIGEST));
  return planOf(object, { resolvedImage, digest: DIGEST, reference, containerImages: [] });
}

describe("an osImage that names no registry, where Rancher has a default one", () => {
  const before = planFor("rancher/os:v2");

  it("is another plan than before Rancher's registry counted", () => {
    expect(planFor("rancher/os:v2", "registry.example.com")).not.toBe(before);
  });

  it.each([
    ["its reference of the status", `docker.io/rancher/os@${DIGEST}`],
    ["docker.io", "docker.io/rancher/os:v2"],
  ])("stays the same plan where it is given %s", (_, osImage) => {
    expect(planFor(osImage)).toBe(before);
    expect(planFor(osImage, "registry.example.com")).toBe(before);
  });
});

describe("an image that names no registry", () => {
  const none = { find: () => undefined };

  it("is of the default registry, and another image where that changes", () => {
    let registry: string | undefined;
    const index = new RolloutIndex({ chosen: () => new Set(["c1"]), unclear: () => undefined }, none, () => registry);
    const source = imageOf({ osImage: "rancher/os2:v1" });
    index.putImage(digestPinned(source, index));
    const before = index.image(`${NAMESPACE}/os`);
    expect(before?.image.object.spec.osImage).toBe("rancher/os2:v1");
    expect(before?.plan).toBeDefined();
    registry = "registry.example.com:5000/mirror";
    index.putImage(before?.image.source ?? source);
    const after = index.image(`${NAMESPACE}/os`);
    expect(after?.image.object.spec.osImage).toBe("registry.example.com:5000/mirror/rancher/os2:v1");
    expect(after?.image.source.spec.osImage).toBe("rancher/os2:v1");
    expect(after?.plan).toBeUndefined();
    expect(after?.image.problems).toEqual([]);
  });

  it.each(["quay.io/rancher/os2:v1", "localhost/os2", "registry:5000/os2@sha256:".concat("a".repeat(64))])(
    "unlike %s, which is left alone",
    (osImage) => {
      const source = imageOf({ osImage });
      expect(effectiveImage(source, none, "registry.example.com")).toEqual(effectiveImage(source, none));
    },
  );

  it("is so of a version's image too", () => {
    const version = { find: () => versionOf("rancher/os2:v2") };
    const { object } = effectiveImage(imageOf({ managedOSVersionName: "v2" }), version, "registry.example.com");
    expect(object.spec.osImage).toBe("registry.example.com/rancher/os2:v2");
  });
});
