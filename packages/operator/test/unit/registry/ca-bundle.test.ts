import { describe, expect, it } from "vitest";
import { createAuthority } from "../../../../../test/registration/authority.ts";
import { readCaBundle } from "../../../src/registry/index.ts";

describe("readCaBundle", () => {
  const [one, two] = ["one", "two"].map((name) => createAuthority(name).certificatePem.replaceAll("\r", "").trim());

  it("reads certificates with text between them", () => {
    const bundle = readCaBundle(`# one\r\n${one}\nsubject=two\n${two}\n`);
    expect(bundle.map((pem) => pem.trim())).toEqual([one, two]);
  });

  it.each([
    ["", "has no certificate in it"],
    ["-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----", "has no certificate in it"],
    [
      `${one}\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----`,
      "certificate 2 of the file cannot be read",
    ],
    [`${one}\n`.repeat(1_001), "more than 1000 certificates"],
  ])("refuses file %#", (pem, words) => {
    expect(() => readCaBundle(pem)).toThrow(expect.objectContaining({ code: "REGISTRY_CA_INVALID" }));
    expect(() => readCaBundle(pem)).toThrow(words);
  });
});
