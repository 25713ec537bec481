import { describe, expect, it } from "vitest";

import { parsePinnedImage, pinnedImageNamed } from "../../../src/images/image-reference.ts";
import { imageOfMarkTag, markTag } from "../../../src/containers/mark.ts";

const PLACE = "registry.example.com:5000/os/base";
const SHA256 = `${PLACE}@sha256:${"a".repeat(64)}`;
const SHA512 = `${PLACE}@sha512:${"a".repeat(128)}`;

describe("an image by its digest", () => {
  it("has one name, with a tag beside the digest as without", () => {
    expect(parsePinnedImage(SHA256.replace("@", ":v1@")).name).toBe(SHA256);
  });

  it("is none without a digest, and none with a digest that its mark has no room for", () => {
    expect(() => parsePinnedImage(`${PLACE}:v1`)).toThrow(expect.objectContaining({ code: "IMAGE_UNPINNED" }));
    expect(() => parsePinnedImage(SHA512)).toThrow(
      expect.objectContaining({
        code: "IMAGE_REFERENCE_INVALID",
        message: expect.stringContaining("sha256") as string,
      }),
    );
  });

  it("is told from other names in a runtime's store", () => {
    expect(pinnedImageNamed(SHA256)).toEqual(parsePinnedImage(SHA256));
    for (const other of [SHA512, `${PLACE}:v1`, "team.test/Copy", `sha256:${"c".repeat(64)}`, "", "a b"]) {
      expect(pinnedImageNamed(other), other).toBeUndefined();
    }
  });

  it("is known again by the tag that marks it", () => {
    const image = parsePinnedImage(SHA256);
    expect(imageOfMarkTag(markTag(image))).toEqual(image);
    expect(imageOfMarkTag(markTag(image).replace("base", "Base"))).toBeUndefined();
    expect(imageOfMarkTag(`${PLACE}:v1`)).toBeUndefined();
  });
});
