/** What docs/install-operator.md has people do before the operator puts Rancher's default registry before images. */
import { parseImageReference, pinImageReference, writeImageReference } from "@rancheros/protocol/images";
import type { ManagedOSImage } from "@rancheros/protocol/resources";
import { describe, expect, it } from "vitest";
import { effectiveImage } from "../../../src/rollout/effective-image.ts";
import { planOf } from "../../../src/rollout/resolved.ts";
import { NO_VERSIONS } from "../../../src/versions/index.ts";

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
