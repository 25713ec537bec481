import { describe, expect, it } from "vitest";
import { NO_TRUST_ANCHORS, trustAnchors } from "../../../src/attestation/index.ts";
import {
  basicConstraints,
  createAuthority,
  createRevocationList,
  ekExtensions,
  extension,
  keyUsage,
  listPemOf,
} from "../../../../../test/software-tpm/index.ts";

const root = createAuthority("Root", undefined, { keyType: "ec" });
const other = createAuthority("Other", undefined, { keyType: "ec" });

describe("trustAnchors", () => {
  it("has none where there is nothing", () => {
    expect(trustAnchors({})).toEqual(NO_TRUST_ANCHORS);
  });

  it("takes several certificates of a key, with text around them, by what the key begins with", () => {
    const anchors = trustAnchors({
      "hardware-example.pem": `# Example\n${root.pem}\nand one more\n${other.pem.replaceAll("\n", "\r\n")}`,
      "virtual.pem": createAuthority("Hypervisor", undefined, { keyType: "ec" }).pem,
      "intermediate-1": createAuthority("Between", root, { keyType: "ec" }).pem,
    });
    expect(anchors.roots.map((one) => [one.class, one.subject])).toEqual([
      ["hardware", "CN=Root"],
      ["hardware", "CN=Other"],
      ["virtual", "CN=Hypervisor"],
    ]);
    expect(anchors.intermediates.map((one) => one.subject)).toEqual(["CN=Between"]);
    expect(anchors.problems).toEqual([]);
  });

  it("counts a root of both classes as the weaker one, and says so", () => {
    const anchors = trustAnchors({ "virtual.pem": root.pem, "hardware.pem": root.pem });
    expect(anchors.roots.map((one) => one.class)).toEqual(["virtual"]);
    expect(anchors.problems).toEqual([
      "key virtual.pem, certificate 1: is listed as hardware and as virtual, and counts as virtual",
    ]);
  });

  it.each<[string, string, string]>([
    [
      "another key",
      "readme",
      "key readme: begins with none of hardware, virtual, intermediate, refused, and does not end in .crl",
    ],
    ["nothing", "", "key hardware: holds no PEM certificate"],
    ["text", "hello", "key hardware: holds no PEM certificate"],
    [
      "a private key",
      "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
      "key hardware, certificate 1: is PEM of something other than a certificate",
    ],
    [
      "no base64",
      "-----BEGIN CERTIFICATE-----\n%%%%\n-----END CERTIFICATE-----",
      "key hardware, certificate 1: is not base64",
    ],
    [
      "no X.509",
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
      "key hardware, certificate 1: is not readable as X.509",
    ],
    [
      "too much",
      `-----BEGIN CERTIFICATE-----\n${"A".repeat(12_000)}\n-----END CERTIFICATE-----`,
      "key hardware, certificate 1: has more than 8192 bytes",
    ],
    ["no CA", made({ extensions: ekExtensions() }), "key hardware, certificate 1: is no certificate authority's"],
    ["version 1", made({ version: 1, extensions: [] }), "key hardware, certificate 1: is no certificate authority's"],
    [
      "no signer",
      made({ extensions: [basicConstraints(true), keyUsage(0x20)] }),
      "key hardware, certificate 1: may not sign certificates",
    ],
    [
      "an unknown critical extension",
      made({ extensions: [basicConstraints(true), extension("551d1e", true, Buffer.from("3000", "hex"))] }),
      "key hardware, certificate 1: has a critical extension that is not known",
    ],
    ["SHA-1", made({ hash: "sha1" }), "key hardware, certificate 1: is signed with SHA-1 or an unknown algorithm"],
  ])("says what is wrong with %s, and takes the rest", (what, text, problem) => {
    const bad = what === "another key" ? { readme: root.pem } : { hardware: text };
    const anchors = trustAnchors({ ...bad, "hardware-good": other.pem });
    expect(anchors.problems).toEqual([problem]);
    expect(anchors.roots.map((one) => one.subject)).toEqual(["CN=Other"]);
  });

  it("takes what was taken back however many certificates there are", () => {
    const hash = "ab".repeat(32);
    const list = listPemOf(createRevocationList(root, {}));
    const bundles = { "hardware.pem": root.pem, "intermediate.pem": other.pem.repeat(513) };
    const anchors = trustAnchors({ ...bundles, "refused.txt": hash, "root.crl": list });
    expect(anchors.problems).toEqual(["key intermediate.pem and those after it: more than 512 certificates in all"]);
    expect([...anchors.refused]).toEqual([hash]);
    expect(anchors.revocations.map(({ where }) => where)).toEqual(["key root.crl, list 1"]);
    expect(anchors.roots.map((one) => one.subject)).toEqual(["CN=Root"]);
  });

  it("has an end", () => {
    const many = trustAnchors({ "hardware-a": root.pem.repeat(500), "hardware-b": other.pem.repeat(500) });
    expect(many.roots).toHaveLength(1);
    expect(many.problems).toEqual(["key hardware-b and those after it: more than 512 certificates in all"]);
    const large = trustAnchors({ "hardware-a": root.pem, "hardware-b": "x".repeat(3_000_000) });
    expect(large.roots).toHaveLength(1);
    expect(large.problems).toEqual(["key hardware-b and those after it: more than 2097152 bytes in all"]);
    const wrong = trustAnchors(Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`key${index}`, ""])));
    expect(wrong.problems).toHaveLength(33);
    expect(wrong.problems.at(-1)).toBe("and 68 problems more");
  });
});

function made(overrides: NonNullable<Parameters<typeof createAuthority>[2]>): string {
  return createAuthority("Bad", undefined, { keyType: "ec", ...overrides }).pem;
}
