import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { ImagePullError } from "../../../src/images/errors.ts";
import {
  choosePlatform,
  INDEX_TYPES,
  MANIFEST_TYPES,
  parseImageConfig,
  parseManifest,
  type ImageIndex,
} from "../../../src/images/manifest.ts";
import { nodePlatform, platformDistance, platformText, type Platform } from "../../../src/images/platform.ts";
import { buildImage, buildIndex } from "../../../../../test/registry/index.ts";

const image = buildImage({ layers: [[{ path: "/a", content: "a" }], [{ path: "/b", content: "b" }]] });
const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const digest = `sha256:${"a".repeat(64)}`;

describe("parseManifest", () => {
  it("reads manifests and indexes of both kinds", () => {
    for (const format of ["oci", "docker"] as const) {
      const built = buildImage({ layers: [[{ path: "/a", content: "a" }]], format });
      const parsed = parseManifest(built.manifest);
      expect(parsed.kind === "manifest" && parsed.layers.map((layer) => layer.digest)).toEqual(
        [...built.blobs.keys()].slice(1),
      );
      const index = parseManifest(buildIndex([built], format).manifest);
      expect(index.kind === "index" && index.manifests[0]).toMatchObject({ digest: built.descriptor.digest });
    }
  });

  it.each([
    ["schemaVersion", { schemaVersion: 1, config: { digest, size: 1 }, layers: [] }],
    ["config.digest", { schemaVersion: 2, config: { digest: "sha256:../../etc", size: 1 }, layers: [] }],
    ["layers[0].size", { schemaVersion: 2, config: { digest, size: 1 }, layers: [{ digest, size: -1 }] }],
    ["layers[0].size", { schemaVersion: 2, config: { digest, size: 1 }, layers: [{ digest, size: 1e300 }] }],
    ["layers: is not a list", { schemaVersion: 2, config: { digest, size: 1 } }],
    [
      "more than 500",
      {
        schemaVersion: 2,
        config: { digest, size: 1 },
        layers: Array.from({ length: 501 }, () => ({ digest, size: 1 })),
      },
    ],
    ["mediaType", { schemaVersion: 2, mediaType: "a\nb", config: { digest, size: 1 }, layers: [] }],
    ["mediaType", { schemaVersion: 2, mediaType: 7, config: { digest, size: 1 }, layers: [] }],
    ["mediaType", { schemaVersion: 2, mediaType: INDEX_TYPES[0], config: { digest, size: 1 }, layers: [] }],
    ["mediaType", { schemaVersion: 2, mediaType: MANIFEST_TYPES[0], manifests: [] }],
    ["at once", { schemaVersion: 2, manifests: [], layers: [] }],
  ])("refuses one whose %s is wrong", (field, manifest) => {
    expect(() => parseManifest(bytes(manifest))).toThrow(field);
  });

  it("takes one that does not say what it is for what it looks like", () => {
    for (const mediaType of [undefined, null, ""]) {
      const told = { schemaVersion: 2, mediaType };
      expect(parseManifest(bytes({ ...told, manifests: [] })).kind).toBe("index");
      expect(parseManifest(bytes({ ...told, config: { digest, size: 1 }, layers: [] })).kind).toBe("manifest");
    }
  });

  it.each([
    [`{"schemaVersion":2,"manifests":[{"digest":"${digest}","size":1}],"Manifests":[]}`, "Manifests"],
    [`{"schemaVersion":2,"manifests":[],"manifests":[{"digest":"${digest}","size":1}]}`, "twice"],
    [`{"schemaVersion":2,"config":{"digest":"${digest}","size":1,"Digest":"x"},"layers":[]}`, "Digest"],
  ])("refuses one that a runtime in Go would take for another: %s", (text, problem) => {
    expect(() => parseManifest(Buffer.from(text))).toThrow(problem);
  });

  it("throws nothing but its own error, whatever comes", () => {
    const only = (work: () => unknown): void => {
      try {
        work();
      } catch (error) {
        expect(error).toBeInstanceOf(ImagePullError);
      }
    };
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        only(() => parseManifest(Buffer.from(text)));
        only(() => parseImageConfig(Buffer.from(text)));
      }),
    );
    expect(() => parseManifest(Buffer.from([0xff, 0xfe]))).toThrow(expect.objectContaining({ code: "IMAGE_BROKEN" }));
  });

  it("reads of the configuration what a node needs", () => {
    const config = [...image.blobs.values()][0] ?? Buffer.alloc(0);
    expect(parseImageConfig(config)).toMatchObject({ platform: { os: "linux" }, entrypoint: [], command: [] });
    expect(parseImageConfig(config).diffIds).toHaveLength(2);
  });
});

describe("platforms", () => {
  const platform = (text: string): Platform => {
    const [os = "", architecture = "", variant] = text.split("/");
    return { os, architecture, variant };
  };

  it.each([
    ["linux/amd64", "linux/amd64", 0],
    ["linux/amd64", "linux/amd64/v1", 0],
    ["linux/amd64", "linux/amd64/v3", undefined],
    ["linux/amd64", "windows/amd64", undefined],
    ["linux/amd64", "linux/arm64", undefined],
    ["linux/arm64/v8", "linux/arm64", 0],
    ["linux/arm/v7", "linux/arm/v7", 0],
    ["linux/arm/v7", "linux/arm/v6", 1],
    ["linux/arm/v6", "linux/arm/v7", undefined],
  ])("a node %s and an image for %s are %s apart", (node, offered, distance) => {
    expect(platformDistance(platform(node), platform(offered))).toBe(distance);
  });

  it("choose the nearest of an index, and tell what there is where none fits", () => {
    const entry = (text: string, at: number): ImageIndex["manifests"][number] => ({
      mediaType: "",
      digest: `sha256:${String(at).repeat(64)}`,
      sizeBytes: 1,
      platform: platform(text),
    });
    const index: ImageIndex = {
      kind: "index",
      manifests: [entry("linux/arm/v6", 1), entry("linux/arm/v7", 2), entry("unknown/unknown", 3)],
    };
    expect(choosePlatform(index, nodePlatform("arm")).digest).toMatch(/^sha256:2/);
    expect(() => choosePlatform(index, nodePlatform("x64"))).toThrow(
      /linux\/amd64, and the image is for linux\/arm\/v6, linux\/arm\/v7/,
    );
    expect([nodePlatform("arm64"), nodePlatform("arm")].map(platformText)).toEqual(["linux/arm64", "linux/arm/v7"]);
  });
});
