import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseImagePolicy, ruleFor, SignatureError } from "../../../src/signatures/index.ts";
import { testSigner } from "../../../../../test/sigstore/registry-in-memory.ts";

const { pem } = testSigner();
const SIGNED = { images: ["registry.example.com/os/*"], require: [{ publicKey: pem }] };

function problemsOf(document: unknown): readonly string[] {
  try {
    parseImagePolicy(document, "policy.yaml");
  } catch (error) {
    if (error instanceof SignatureError && error.code === "SIGNATURE_POLICY_INVALID") return error.problems;
    throw error;
  }
  return [];
}

function modeFor(rules: readonly unknown[], name: string): string | undefined {
  return ruleFor(parseImagePolicy(rules, "policy.yaml"), name)?.mode;
}

const AUTHORITY = { certChain: { certificates: [{ rawBytes: "AAAA" }] } };
const KEYLESS = {
  issuer: "https://issuer.example.com",
  subject: "somebody@example.com",
  trustedRoot: { certificateAuthorities: [AUTHORITY] },
};

function keyless(changes: Readonly<Record<string, unknown>>): unknown {
  return [{ images: ["**"], require: [{ keyless: { ...KEYLESS, ...changes } }] }];
}

describe("parseImagePolicy", () => {
  it("takes rules with keys and identities, and enforces where nothing else is said", () => {
    const { rules } = parseImagePolicy([SIGNED, { images: ["**"], mode: "ignore" }, keyless({})].flat(), "policy.yaml");
    expect(rules.map(({ mode, require }) => [mode, require.map(({ kind }) => kind)])).toEqual([
      ["enforce", ["key"]],
      ["ignore", []],
      ["enforce", ["keyless"]],
    ]);
  });

  it.each<[string, unknown, readonly RegExp[]]>([
    ["no list", {}, [/^the file: is no list$/]],
    ["nothing", undefined, [/^the file: is missing$/]],
    ["rules that are none", [1, null], [/^rules\[0\]: is no table/, /^rules\[1\]: is no table/]],
    ["a word that nobody knows", [{ ...SIGNED, require_: 1 }], [/^rules\[0\]\.require_: is unknown/]],
    ["no images", [{ ...SIGNED, images: [] }], [/^rules\[0\]\.images: is empty/]],
    ["another mode", [{ ...SIGNED, mode: "audit" }], [/^rules\[0\]\.mode: is none of enforce, warn, ignore/]],
    ["nobody", [{ ...SIGNED, require: [] }], [/^rules\[0\]\.require: names nobody/]],
    ["nobody in a rule that warns", [{ images: ["**"], mode: "warn" }], [/^rules\[0\]\.require: is missing/]],
    ["both kinds in one", [{ ...SIGNED, require: [{ publicKey: pem, keyless: {} }] }], [/wants either publicKey or/]],
    ["a private key", [{ ...SIGNED, require: [{ publicKey: privateKey() }] }], [/is a private key/]],
    ["two keys in one", [{ ...SIGNED, require: [{ publicKey: pem + pem }] }], [/no single public key/]],
    ["a damaged key", [{ ...SIGNED, require: [{ publicKey: damaged() }] }], [/is damaged/]],
    ["a text for true", [{ ...SIGNED, sameRepository: "yes" }], [/sameRepository: is neither true nor false/]],
    [
      "several mistakes",
      [{ images: ["os", 3, "a.b/c:v1", "a.b/c@sha256:00"], mode: 1 }],
      [
        /images\[0\]: begins with no host/,
        /images\[1\]: is no text/,
        /images\[2\]: has a tag/,
        /images\[3\]: has a digest/,
        /mode: /,
        /require: is missing/,
      ],
    ],
    ["an identity without issuer", keyless({ issuer: undefined }), [/keyless\.issuer: is missing/]],
    ["an identity without subject", keyless({ subject: undefined }), [/wants either subject or subjectRegExp/]],
    ["a pattern that is none", keyless({ subject: undefined, subjectRegExp: "(" }), [/is no regular expression/]],
    [
      "a pattern that closes more than it opens",
      keyless({ subject: undefined, subjectRegExp: "a)|(?:b" }),
      [/is no regular expression/],
    ],
    [
      "no trusted root",
      keyless({ trustedRoot: undefined }),
      [/trustedRoot: is missing/, /certificateAuthorities: is missing/],
    ],
    [
      "a trusted root without certificates",
      keyless({ trustedRoot: { certificateAuthorities: [{}], tlogs: [{}] } }),
      [
        /certChain: is missing/,
        /certificates: is no list/,
        /publicKey: is missing/,
        /rawBytes/,
        /logId: is missing/,
        /keyId/,
      ],
    ],
  ])("names every bad field where there is %s", (_, document, expected) => {
    const problems = problemsOf(document);
    expect(problems).toHaveLength(expected.length);
    for (const [index, pattern] of expected.entries()) expect(problems[index]).toMatch(pattern);
  });

  it("tells of patterns that no image could match, and lets those beside them hold", () => {
    const images = ["*", "registry.example.com", "a.b/OS/*", "a.b//c", "a.b/c/", "a.b*", "a.b/os/*"];
    const policy = parseImagePolicy(
      [
        { images: ["**/none"], mode: "ignore" },
        { ...SIGNED, images },
      ],
      "policy.yaml",
    );
    const expected = [
      /^policy\.yaml: rules\[1\]\.images\[0\]: names no repository: .*HOST\/\*\*/,
      /rules\[1\]\.images\[1\]: names no repository/,
      /rules\[1\]\.images\[2\]: has capital letters/,
      /rules\[1\]\.images\[3\]: has an empty part/,
      /rules\[1\]\.images\[4\]: has an empty part/,
      /rules\[1\]\.images\[5\]: names no repository/,
    ];
    expect(policy.warnings).toHaveLength(expected.length);
    for (const [index, pattern] of expected.entries()) expect(policy.warnings[index]).toMatch(pattern);
    expect(ruleFor(policy, "a.b/os/rancher")?.mode).toBe("enforce");
    expect(ruleFor(policy, "a.b/c")).toBeUndefined();
  });

  it("throws nothing else, whatever it is given", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (document) => {
        expect(problemsOf(Array.isArray(document) ? [...document, 1] : document)).not.toEqual([]);
        expect(problemsOf([document])).not.toEqual([]);
        expect(problemsOf([{ ...SIGNED, require: [{ keyless: document }] }])).not.toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

describe("ruleFor", () => {
  it.each([
    ["registry.example.com/os", "registry.example.com/os", true],
    ["registry.example.com/os", "registry.example.com/os2", false],
    ["registry.example.com/os*", "registry.example.com/os2", true],
    ["registry.example.com/os*", "registry.example.com/os/2", false],
    ["registry.example.com/**", "registry.example.com/os/2", true],
    ["registry.example.com/**", "registry.example.com.evil.example/os", false],
    ["registry.example.com/**/os", "registry.example.com/a/b/os", true],
    ["*.example.com/**", "a.b.example.com/os", true],
    ["**/os", "evil.example/os", true],
    ["localhost:5000/*", "localhost:5000/os", true],
    ["registryXexample.com/os", "registry.example.com/os", false],
    ["registry.example.com/os", "registryXexample.com/os", false],
    ["**", "docker.io/library/os", true],
    ["registry.example.com/os/*", "Registry.EXAMPLE.com/os/rancher", true],
    ["REGISTRY.example.com/os/*", "registry.example.com/os/rancher", true],
    ["registry.example.com/os/*", "registry.example.com:443/os/rancher", true],
    ["registry.example.com:443/os/*", "registry.example.com/os/rancher", true],
    ["registry.example.com/os/*", "registry.example.com:00443/os/rancher", true],
    ["registry.example.com:5000/os/*", "registry.example.com:05000/os/rancher", true],
    ["registry.example.com/os/*", "registry.example.com:5000/os/rancher", false],
    ["127.0.0.1:5000/*", "0x7f.1:5000/os", true],
    ["[::1]:5000/*", "[0:0:0:0:0:0:0:1]:5000/os", true],
    ["10.0.0.1/**", "[::ffff:a00:1]/os", true],
    ["10.0.0.1/**", "[::ffff:a00:1]:443/os", true],
    ["10.0.0.1:5000/**", "[0:0:0:0:0:FFFF:0A00:0001]:5000/os", true],
    ["10.0.0.1:5000/**", "[::ffff:a00:1]:5001/os", false],
    ["10.0.0.*/**", "[::ffff:a00:1]/os", true],
    ["255.0.0.255/**", "[::ffff:ff00:ff]/os", true],
    ["0.0.0.0/**", "[::ffff:0:0]/os", true],
    ["[::ffff:10.0.0.1]/**", "10.0.0.1/os", true],
    ["10.0.0.1/**", "[::a00:1]/os", false],
    ["10.0.0.1/**", "[64:ff9b::a00:1]/os", false],
    ["docker.io/rancher/*", "registry-1.docker.io/rancher/os", true],
    ["docker.io/rancher/*", "registry.hub.docker.com/rancher/os", true],
    ["index.docker.io/rancher/*", "docker.io/rancher/os", true],
    ["docker.io/os", "docker.io/library/os", true],
    ["docker.io/*", "docker.io/library/os", true],
    ["docker.io/*", "docker.io/rancher/os", false],
    ["docker.io/library/os", "registry-1.docker.io/os", true],
    ["*.example.com:443/**", "r.example.com:443/os", true],
    ["*.example.com:443/**", "r.example.com/os", true],
    ["*.example.com:0443/**", "R.example.com/os", true],
    ["*.EXAMPLE.com/**", "r.example.com:443/os", true],
    ["*.example.com:443/**", "r.example.com:5000/os", false],
    ["*:443/**", "r.example.com/os", true],
    ["*:443/**", "r.example.com:5000/os", false],
    ["*:5000/**", "r.example.com/os", false],
    ["*3/**", "r.example.com/os", false],
    ["*.docker.io/**", "registry-1.docker.io/rancher/os", true],
    ["*.docker.io/**", "Registry-1.docker.io:443/rancher/os", true],
    ["*/os", "docker.io/os", true],
    ["*/os", "docker.io/library/os", false],
  ])("takes %s for %s: %s", (glob, name, isMatch) => {
    expect(modeFor([{ ...SIGNED, images: [glob] }], name)).toBe(isMatch ? "enforce" : undefined);
  });

  it("takes the first rule that matches, whichever is longer", () => {
    const rules = [{ images: ["**"], mode: "ignore" }, SIGNED];
    expect(modeFor(rules, "registry.example.com/os/rancher")).toBe("ignore");
    expect(modeFor(rules.toReversed(), "registry.example.com/os/rancher")).toBe("enforce");
  });

  it("is quick with many stars", () => {
    const glob = `r.example.com/${"*a".repeat(100)}`;
    expect(modeFor([{ ...SIGNED, images: [glob] }], `r.example.com/${"a".repeat(240)}`)).toBe("enforce");
    expect(modeFor([{ ...SIGNED, images: [glob] }], `r.example.com/${"a".repeat(240)}b`)).toBeUndefined();
  });
});

describe("the subject of an identity", () => {
  function takes(signer: Readonly<Record<string, unknown>>, subject: string): boolean {
    const policy = parseImagePolicy(keyless({ subject: undefined, ...signer }), "policy.yaml");
    const [first] = policy.rules[0]?.require ?? [];
    if (first?.kind !== "keyless") throw new Error("it is of an identity");
    return first.isSubject(subject);
  }

  it("is compared as a whole, also by a pattern that is not anchored, and by one with alternatives", () => {
    expect(takes({ subject: "a@example.com" }, "a@example.com")).toBe(true);
    expect(takes({ subject: "a@example.com" }, "aa@example.com")).toBe(false);
    expect(takes({ subjectRegExp: "a@example[.]com" }, "a@example.com")).toBe(true);
    expect(takes({ subjectRegExp: "a@example[.]com" }, "a@example.com.evil.example")).toBe(false);
    expect(takes({ subjectRegExp: "a@example[.]com|b@example[.]com" }, "evil-b@example.com")).toBe(false);
    expect(takes({ subjectRegExp: "a@example[.]com|b@example[.]com" }, "b@example.com")).toBe(true);
    expect(takes({ subjectRegExp: "a@example[.]com" }, "a@example.com\n")).toBe(false);
  });
});

function privateKey(): string {
  return "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
}

function damaged(): string {
  return "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
}
