import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { base64FaultOffset, decodeBase64 } from "../../../src/messages/base64.ts";

describe("decodeBase64", () => {
  it("reads everything that Go's StdEncoding writes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(decodeBase64(Buffer.from(bytes).toString("base64"))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it.each([
    ["no padding", "YQ"],
    ["half the padding", "YQ="],
    ["too much padding", "YQ==="],
    ["only padding", "===="],
    ["padding in the middle", "YQ==YQ=="],
    ["the URL alphabet", "-_-_"],
    ["a blank", "YWJ j"],
    ["a newline", "YWJj\n"],
    ["bits after the end", "YR=="],
    ["another alphabet", "YWJé"],
  ])("refuses %s", (_case, text) => {
    expect(decodeBase64(text)).toBeUndefined();
  });
});

describe("base64FaultOffset", () => {
  it.each([
    ["%%%", 0],
    ["YWJj%", 4],
    ["YWJjYQ", 4],
    ["YQ=a", 2],
  ])("of %s is %d", (text, offset) => {
    expect(base64FaultOffset(text)).toBe(offset);
  });
});
