import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ambiguousField } from "../../../src/images/index.ts";

describe("ambiguousField", () => {
  it.each([
    ['{"manifests":[],"manifests":[]}', '"manifests" stands there twice'],
    ['{"manifests":[],"manife\\u0073ts":[]}', '"manifests" stands there twice'],
    ['{"manifests":[],"Manifests":[]}', '"Manifests" would be read as "manifests" by others'],
    ['{"manifests":[{"digest":"a","DIGEST":"b"}]}', '"DIGEST" would be read as "digest" by others'],
    ['{"manifeſts":[]}', '"manifeſts" would be read as "manifests" by others'],
    ['{"layers":[{"Platform":{}}]}', '"Platform" would be read as "platform" by others'],
    ['{"manifests":[{"annotations":{}},{"digest":"a","Digest":"b"}]}', '"Digest" would be read as "digest" by others'],
    [
      '{"manifests":[{"annotations":null},{"digest":"a","Digest":"b"}]}',
      '"Digest" would be read as "digest" by others',
    ],
    [
      '{"manifests":[{"x":{"annotations":{}}},{"digest":"a","Digest":"b"}]}',
      '"Digest" would be read as "digest" by others',
    ],
    ['{"annotations":[{"digest":"a","Digest":"b"}]}', '"Digest" would be read as "digest" by others'],
    ['{"annotations":{"a":"1","a":"2"}}', '"a" stands there twice'],
  ])("names what two programs would read otherwise in %s", (text, wanted) => {
    expect(ambiguousField(text)).toBe(wanted);
  });

  it.each([
    '{"manifests":[{"digest":"a"},{"digest":"b"}]}',
    '{"annotations":{"Digest":"1","digest":"2","a":"\\"manifests\\":1,\\"manifests\\":"},"manifests":[]}',
    '{"config":{"digest":"a"},"layers":[{"digest":"a"}]}',
    "[]",
    "1",
  ])("has nothing against %s", (text) => {
    expect(ambiguousField(text)).toBeUndefined();
  });

  it.each([
    ["pairs of backslashes", "\\\\".repeat(2 * 1024 * 1024 - 40)],
    ["plain text", "a".repeat(4 * 1024 * 1024 - 80)],
  ])("reads a string of 4 MiB of %s", (_what, content) => {
    expect(ambiguousField(`{"layers":[],"x":"${content}","Layers":[]}`)).toMatch(/^"Layers" would be read as/);
  });

  it("finds nothing in what JavaScript writes of other names, and is done with anything", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const found = ambiguousField(text);
        expect(found === undefined || /would be read as/.test(found)).toBe(true);
      }),
    );
  });
});
