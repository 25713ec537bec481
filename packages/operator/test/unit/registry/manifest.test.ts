import { describe, expect, it } from "vitest";
import { platformDigests, summarizeManifest } from "../../../src/registry/manifest.ts";

const digest = `sha256:${"a".repeat(64)}`;
const other = `sha256:${"b".repeat(64)}`;
const INDEX = "application/vnd.oci.image.index.v1+json";
const amd64 = { os: "linux", architecture: "amd64" };
const entry = { digest, size: 1, platform: amd64 };

function bytes(value: unknown): Buffer {
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
}

describe("platformDigests", () => {
  it("has the images of an index, and not what builders put beside them", () => {
    const unknown = { digest: other, size: 1, platform: { os: "unknown", architecture: "unknown" } };
    expect(platformDigests(bytes({ schemaVersion: 2, manifests: [entry, unknown] }))).toEqual([digest]);
  });

  it.each([
    ["an artifact too", { manifests: [entry], layers: [{ digest: other, size: 1 }] }],
    ["an image too", { manifests: [entry], config: { digest: other, size: 1 } }],
    ["another one for programs in Go", `{"manifests":[{"digest":"${digest}"}],"Manifests":[{"digest":"${other}"}]}`],
    ["two in one", `{"manifests":[{"digest":"${other}"}],"manifests":[{"digest":"${digest}"}]}`],
    ["without digests", { manifests: [entry, { size: 1 }] }],
    ["no JSON", "<html>"],
    ["no index", { layers: [] }],
  ])("has none of what is %s: signatures of images in it say nothing about it", (_, document) => {
    expect(platformDigests(bytes(document))).toEqual([]);
  });
});

describe("summarizeManifest", () => {
  it("refuses what two programs would take for two images", () => {
    const text = `{"schemaVersion":2,"manifests":[{"digest":"${digest}"}],"Manifests":[]}`;
    expect(() => summarizeManifest(INDEX, bytes(text), "os")).toThrow(
      expect.objectContaining({ code: "REGISTRY_NONSENSE", message: expect.stringContaining("Manifests") as string }),
    );
  });
});
