import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyCharacter } from "../../../../../test/any-character.ts";
import { cpuMsOf, SOON_MS } from "../../../../../test/cpu-ms-of.ts";
import {
  ImageReferenceError,
  isImageDigest,
  namesHost,
  parseImageReference,
  pinImageReference,
  REFERENCE_LIMIT,
  writeImageReference,
} from "../../../src/images/index.ts";

const SHA256 = `sha256:${"f".repeat(64)}`;
const SHA512 = `sha512:${"f".repeat(128)}`;

function problemsOf(text: unknown): readonly string[] {
  try {
    parseImageReference(text);
  } catch (error) {
    if (error instanceof ImageReferenceError) return error.problems;
    throw error;
  }
  return [];
}

describe("parseImageReference", () => {
  // Origin: distribution/reference 4894124, reference_test.go TestReferenceParse, with the host and the defaults of
  // normalize_test.go (TestParseRepositoryInfo, TestNormalizedSplitHostname).
  it.each([
    ["test_com", "docker.io", "library/test_com", "latest", undefined],
    ["test.com:tag", "docker.io", "library/test.com", "tag", undefined],
    ["test.com:5000", "docker.io", "library/test.com", "5000", undefined],
    ["test.com/repo:tag", "test.com", "repo", "tag", undefined],
    ["test:5000/repo", "test:5000", "repo", "latest", undefined],
    ["test:5000/repo:tag", "test:5000", "repo", "tag", undefined],
    [`test:5000/repo@${SHA256}`, "test:5000", "repo", undefined, SHA256],
    [`test:5000/repo:tag@${SHA256}`, "test:5000", "repo", "tag", SHA256],
    ["lowercase:Uppercase", "docker.io", "library/lowercase", "Uppercase", undefined],
    ["sub-dom1.foo.com/bar/baz/quux:some-long-tag", "sub-dom1.foo.com", "bar/baz/quux", "some-long-tag", undefined],
    [
      "b.gcr.io/test.example.com/my-app:test.example.com",
      "b.gcr.io",
      "test.example.com/my-app",
      "test.example.com",
      undefined,
    ],
    ["xn--n3h.com/myimage:xn--n3h.com", "xn--n3h.com", "myimage", "xn--n3h.com", undefined],
    [`xn--7o8h.com/myimage:xn--7o8h.com@${SHA512}`, "xn--7o8h.com", "myimage", "xn--7o8h.com", SHA512],
    ["foo/foo_bar.com:8080", "docker.io", "foo/foo_bar.com", "8080", undefined],
    ["192.168.1.1:5000", "docker.io", "library/192.168.1.1", "5000", undefined],
    ["192.168.1.1:5000/repo:5050", "192.168.1.1:5000", "repo", "5050", undefined],
    ["[2001:db8::1]/repo", "[2001:db8::1]", "repo", "latest", undefined],
    ["[2001:db8:1:2:3:4:5:6]/repo:tag", "[2001:db8:1:2:3:4:5:6]", "repo", "tag", undefined],
    [`[2001:db8::1]:5000/repo:tag@${SHA256}`, "[2001:db8::1]:5000", "repo", "tag", SHA256],
    ["[::1]:5000/repo", "[::1]:5000", "repo", "latest", undefined],
    ["docker/migrator", "docker.io", "docker/migrator", "latest", undefined],
    ["index.docker.io/foo", "docker.io", "library/foo", "latest", undefined],
    ["index.docker.io/library/foo/bar", "docker.io", "library/foo/bar", "latest", undefined],
    ["docker.io/library/foo", "docker.io", "library/foo", "latest", undefined],
    ["Foo/bar", "Foo", "bar", "latest", undefined],
    ["docker---rules/docker", "docker.io", "docker---rules/docker", "latest", undefined],
    ["dock__er/docker", "docker.io", "dock__er/docker", "latest", undefined],
    [`docker.io/${"1a3f".repeat(16)}`, "docker.io", `library/${"1a3f".repeat(16)}`, "latest", undefined],
    // The rule for localhost: normalize.go, splitDockerDomain.
    ["localhost/os", "localhost", "os", "latest", undefined],
    ["localhost:5000/os:v1", "localhost:5000", "os", "v1", undefined],
    // The limits themselves: distribution/reference regexp.go and reference.go.
    [`h.io/${"a".repeat(250)}`, "h.io", "a".repeat(250), "latest", undefined],
    [`h.io/a:${"t".repeat(128)}`, "h.io", "a", "t".repeat(128), undefined],
    ["h.io:65535/a", "h.io:65535", "a", "latest", undefined],
    ["REG.example.com:5000/os", "REG.example.com:5000", "os", "latest", undefined],
    ["255.255.255.255/os", "255.255.255.255", "os", "latest", undefined],
    ["1.2.3.4a/os", "1.2.3.4a", "os", "latest", undefined],
  ])("takes %s apart", (text, host, repository, tag, digest) => {
    expect(parseImageReference(text)).toEqual({ host, repository, tag, digest });
  });

  // Origin: the same two files (their invalid names), with the words of this project.
  it.each([
    ["", /^reference: is empty$/],
    [":justtag", /^repository: "library\/" is missing/],
    [`@${SHA256}`, /^repository: "library\/" is missing/],
    ["repo@sha256:ffffffffffffffffffffffffffffffffff", /^digest: "sha256:f+" has 34 characters/],
    [`validname@invaliddigest:${"f".repeat(64)}`, /^digest: "invaliddigest:f+" is neither/],
    [`repo@sha256:${"F".repeat(64)}`, /^digest: "sha256:F+" has other characters/],
    [`repo@${SHA256}@${SHA256}`, /^digest: /],
    ["repo@", /^digest: "" is neither/],
    ["Uppercase:tag", /^repository: "library\/Uppercase" has capital letters$/],
    ["test:5000/Uppercase/lowercase:tag", /^repository: "Uppercase\/lowercase" has capital letters$/],
    [`${"a/".repeat(128)}a:tag`, /^reference: host and repository have more than 255/],
    ["aa/asdf$$^/aa", /^repository: "aa\/asdf\$\$\^\/aa" has other characters/],
    ["https://github.com/docker/docker", /^reference: begins with https:\/\/, which is no part of it$/],
    ["docker://rancher/os2", /^reference: begins with docker:\/\//],
    ["-docker/docker", /^repository: "-docker\/docker" has a part with dots, dashes/],
    ["docker-/docker", /^repository: /],
    ["-docker.io/docker/docker", /^host: "-docker.io" has a part that begins or ends with a dash$/],
    ["docker///docker", /^repository: "docker\/\/\/docker" is missing, or has a slash too many$/],
    ["docker/", /^repository: "docker\/" is missing, or has a slash too many$/],
    ["____/____", /^repository: /],
    ["dock..er/docker", /^host: "dock..er" has a dot too many$/],
    ["dock_.er/docker", /^host: "dock_.er" has other characters/],
    ["a/dock-.er", /^repository: /],
    ["[fc00::1]", /^repository: /],
    ["[fc00::1]:5000", /^repository: /],
    ["fc00::1:5000/debian", /^host: "fc00::1:5000" has several colons: an IPv6 address stands in square brackets$/],
    ["[fe80::1%eth0]:5000/debian", /^host: .* square brackets$/],
    ["[2001:db8:3:4::192.0.2.33]:5000/debian", /^host: .* square brackets$/],
    ["[:::::]/debian", /^host: /],
    ["1a3f".repeat(16), /^reference: is a bare identifier/],
    ["busybox:-foo", /^tag: "-foo" begins with a dot or a dash$/],
    ["busybox:", /^tag: "" is missing behind the colon$/],
    ["busybox:a+b", /^tag: "a\+b" has other characters/],
    [`busybox:${"t".repeat(129)}`, /^tag: "t+\.\.\." has more than 128/],
    // Origin: URL Standard, "ends-in-a-number checker" and "IPv4 parser".
    ["foo.123/os", /^host: "[^"]*" is no host that a request can go to: /],
    ["256.1.1.1:5000/os", /^host: "[^"]*" is no host that a request can go to: /],
    ["1.2.3.4.5/os", /^host: "[^"]*" is no host that a request can go to: /],
    ["v1.2/os", /^host: "[^"]*" is no host that a request can go to: /],
    ["registry.0x1/os", /^host: "[^"]*" is no host that a request can go to: /],
    ["10.1/os", /^host: "10.1" is the address 10.0.0.1 in another form: write 10.0.0.1$/],
    ["010.0.0.1:5000/os", /^host: "010.0.0.1:5000" is the address 8.0.0.1 in another form: write 8.0.0.1$/],
    ["192.168.001.1/os", /^host: .* another form: write 192.168.1.1$/],
    ["0x7f.1/os", /^host: .* another form: write 127.0.0.1$/],
    ["h.io:0/a", /^host: "h.io:0" has a port/],
    ["h.io:65536/a", /^host: .* port/],
    ["h.io:/a", /^host: .* port/],
    [" busybox", /^reference: has white space in it$/],
    ["busybox\n", /^reference: has white space in it$/],
    ["x".repeat(REFERENCE_LIMIT + 1), /^reference: has more than/],
    [undefined, /^reference: is no text$/],
    [["busybox"], /^reference: is no text$/],
  ])("refuses %j with words for the part that is wrong", (text, problem) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
  });

  it("names every bad part at once", () => {
    expect(problemsOf("bad_host.io/Repo:.tag@md5:ff").map((one) => one.split(":")[0])).toEqual([
      "host",
      "repository",
      "tag",
      "digest",
    ]);
  });

  it("gives a reference or its own error for any text, and never looks longer than the limit", () => {
    const pieces = fc.constantFrom(
      "a",
      "Z",
      "9",
      "0",
      "0x",
      ".",
      "-",
      "_",
      ":",
      "/",
      "@",
      "[",
      "]",
      "sha256:",
      "localhost",
      "☃",
      "%",
    );
    const text = fc.oneof(
      fc.string({ unit: anyCharacter }),
      fc.array(pieces, { maxLength: 40 }).map((list) => list.join("")),
    );
    fc.assert(
      fc.property(text, (written) => {
        let reference;
        try {
          reference = parseImageReference(written);
        } catch (error) {
          expect(error).toBeInstanceOf(ImageReferenceError);
          return;
        }
        expect(parseImageReference(writeImageReference(reference))).toEqual(reference);
        const [name = ""] = reference.host.startsWith("[") ? [] : reference.host.split(":");
        // A request goes to the host that stands there, and to no other.
        expect(name === "" || URL.parse(`https://${reference.host}`)?.hostname === name.toLowerCase()).toBe(true);
        expect(reference.tag === undefined).toBe(reference.digest !== undefined && !/:[^/@]*@/.test(written));
      }),
      { numRuns: 2_000 },
    );
    const hostile = [`${"a-".repeat(10_000_000)}!`, `h.io/${"a-".repeat(120)}!`];
    const look = (): void => {
      for (const one of hostile) expect(problemsOf(one)).toHaveLength(1);
    };
    expect(cpuMsOf(look)).toBeLessThan(SOON_MS);
  });

  it("reads what it wrote, for every reference that can be written", () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,6}((\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}$/);
    const host = fc.oneof(
      fc.stringMatching(/^[a-z0-9]{1,8}\.[a-z]{2,5}(:[1-9][0-9]{0,3})?$/),
      fc
        .ipV6()
        .filter((one) => !one.includes("."))
        .map((one) => `[${one}]:5000`),
      fc.constantFrom("docker.io", "localhost"),
    );
    const reference = fc.record({
      host,
      repository: fc.array(part, { minLength: 2, maxLength: 4 }).map((parts) => parts.join("/")),
      tag: fc.option(fc.stringMatching(/^[0-9A-Za-z_][0-9A-Za-z_.-]{0,20}$/), { nil: undefined }),
      digest: fc.constantFrom(undefined, SHA256, SHA512),
    });
    fc.assert(
      fc.property(reference, (written) => {
        const expected =
          written.tag === undefined && written.digest === undefined ? { ...written, tag: "latest" } : written;
        expect(parseImageReference(writeImageReference(written))).toEqual(expected);
      }),
    );
  });
});

describe("writeImageReference", () => {
  it("writes host, library and tag out, so that two names of one image are one text", () => {
    // Origin: distribution/reference normalize_test.go, TestParseReferenceWithTagAndDigest and TestParseAnyReference.
    const digest = "sha256:86e0e091d0da6bde2456dbb48306f3956bbeb2eae1b5b9a43045843f69fe4aaa";
    const canonical = (text: string): string => writeImageReference(parseImageReference(text));
    expect(canonical(`busybox:latest@${digest}`)).toBe(`docker.io/library/busybox:latest@${digest}`);
    expect(canonical("redis")).toBe("docker.io/library/redis:latest");
    expect(canonical("index.docker.io/rancher/os2:v1")).toBe(canonical("rancher/os2:v1"));
  });
});

describe("pinImageReference", () => {
  it("leaves the digest alone behind the name", () => {
    const pinned = pinImageReference(parseImageReference("registry:5000/os:v1"), SHA256);
    expect(writeImageReference(pinned)).toBe(`registry:5000/os@${SHA256}`);
  });
});

describe("isImageDigest", () => {
  it("knows sha256 and sha512 in lower case, and no names of an object's own", () => {
    expect([SHA256, SHA512].every(isImageDigest)).toBe(true);
    expect([`sha1:${"f".repeat(40)}`, "constructor:ff", "", "sha256:", SHA256.toUpperCase()].some(isImageDigest)).toBe(
      false,
    );
  });
});

describe("namesHost", () => {
  it.each([
    ["os", false],
    ["os:v1", false],
    ["rancher/os2:v1", false],
    ["library/os@sha256:0", false],
    ["localhost/os", true],
    ["registry:5000/os", true],
    ["[::1]:5000/os", true],
    ["docker.io/rancher/os2", true],
    ["quay.io/costoolkit/os:v1", true],
  ])("of %s is %s", (text, expected) => {
    expect(namesHost(text)).toBe(expected);
  });

  it("is so of whatever was written with its host, and of nothing that docker.io was put before", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{1,8}(\/[a-z]{1,8}){0,2}$/), (repository) => {
        const written = writeImageReference(parseImageReference(repository));
        expect(namesHost(written)).toBe(true);
        expect(namesHost(repository)).toBe(repository.startsWith("localhost/"));
      }),
    );
  });
});
