import { describe, expect, it } from "vitest";
import { cpuMsOf, SOON_MS } from "../../../../../test/cpu-ms-of.ts";
import { matchCredentials } from "../../../src/registry/match-credentials.ts";

function matched(registries: readonly string[], image: string): readonly string[] {
  const credentials = registries.map((registry) => ({ registry, username: registry, password: "" }));
  return matchCredentials(credentials, image).map(({ username }) => username);
}

describe("matchCredentials", () => {
  // Origin: kubernetes pkg/credentialprovider/keyring_test.go 024918d, TestUrlsMatch.
  it.each([
    ["*.kubernetes.io", "prefix.kubernetes.io", true],
    ["prefix.*.io", "prefix.kubernetes.io", true],
    ["prefix.kubernetes.*", "prefix.kubernetes.io", true],
    ["*-good.kubernetes.io", "prefix-good.kubernetes.io", true],
    ["*.kubernetes.io/blah", "prefix.kubernetes.io/blah", true],
    ["prefix.*.io/foo", "prefix.kubernetes.io/foo/bar", true],
    ["*.kubernetes.io:1111/blah", "prefix.kubernetes.io:1111/blah", true],
    ["prefix.*.io:1111/foo", "prefix.kubernetes.io:1111/foo/bar", true],
    ["*.kubernetes.io", "kubernetes.io", false],
    ["*.*.kubernetes.io", "prefix.kubernetes.io", false],
    ["*.*.kubernetes.io", "kubernetes.io", false],
    ["kubernetes.io", "kubernetes.com", false],
    ["k*.io", "quay.io", false],
    ["*.kubernetes.io:1234/blah", "prefix.kubernetes.io:1111/blah", false],
    ["prefix.*.io/foo", "prefix.kubernetes.io:1111/foo/bar", false],
  ])("%s is for %s: %s", (registry, image, expected) => {
    expect(matched([registry], image)).toEqual(expected ? [registry] : []);
  });

  // Origin: the same file, TestDockerKeyringForGlob (found) and TestKeyringMiss (not found).
  it.each([
    ["https://hello.kubernetes.io", "hello.kubernetes.io/foo/bar", true],
    ["https://*.docker.io/path", "prefix.docker.io/path/foo/bar", true],
    ["https://prefix.*.io:8888", "prefix.docker.io:8888/foo/bar", true],
    ["https://*.docker.io/v1/", "prefix.docker.io/path:1111/foo/bar", true],
    ["https://*.docker.io/v2/", "prefix.docker.io/path:1111/foo/bar", true],
    ["*.docker.io:1111", "prefix.docker.io:1111/path/foo/bar", true],
    ["https://hello.kubernetes.io", "world.mesos.org/foo/bar", false],
    ["https://*.docker.com", "prefix.docker.io/foo/bar", false],
    ["https://prefix.docker.c*", "prefix.docker.io/foo/bar", false],
    ["https://prefix.*.io/path:1111", "prefix.docker.io/path/subpath:1111/foo/bar", false],
    ["suffix.*.io", "prefix.docker.io/foo/bar", false],
  ])("the key %s is for %s: %s", (registry, image, expected) => {
    expect(matched([registry], image)).toEqual(expected ? [registry] : []);
  });

  // Origin: the same file, the tests with DockerHub in their names.
  it("gives Docker's own account to images of docker.io, and to no others", () => {
    const docker = "https://index.docker.io/v1/";
    expect(matched([docker], "docker.io/google/docker-registry")).toEqual([docker]);
    expect(matched([docker], "docker.io/library/jenkins")).toEqual([docker]);
    expect(matched([docker], "world.mesos.org/foo/bar")).toEqual([]);
    expect(matched([docker], "myhostdocker.io/foo/bar")).toEqual([]);
    expect(matched([docker], "docker.io:5000/foo/bar")).toEqual([]);
    expect(matched([docker, "docker.io/foo"], "docker.io/foo/bar")).toEqual(["docker.io/foo"]);
  });

  it("tries the longer path first, equal keys in their order, and not more than five", () => {
    const keys = ["quay.io", "https://quay.io/coreos", "quay.io/coreos/etcd", "quay.io/other", "https://quay.io"];
    expect(matched(keys, "quay.io/coreos/etcd")).toEqual([
      "quay.io/coreos/etcd",
      "https://quay.io/coreos",
      "quay.io",
      "https://quay.io",
    ]);
    expect(matched(Array(7).fill("quay.io"), "quay.io/a")).toHaveLength(5);
  });

  it("knows ports and IPv6 addresses", () => {
    expect(matched(["[::1]:5000", "[::1]", "[::2]:5000"], "[::1]:5000/os")).toEqual(["[::1]:5000"]);
    expect(matched(["registry:5000", "registry"], "registry:5000/os")).toEqual(["registry:5000"]);
  });

  it("takes keys that are no addresses for nothing, and many stars in no time", () => {
    expect(matched(["", "/", "https://", "a b", "user@h.test", "[x]", ":5000"], "h.test/os")).toEqual([]);
    const image = `${"a".repeat(200)}.test/os`;
    const match = (): void => {
      expect(matched([`${"*a".repeat(100)}b.test`], image)).toEqual([]);
      expect(matched([`${"*a".repeat(100)}*.test`], image)).toHaveLength(1);
    };
    expect(cpuMsOf(match)).toBeLessThan(SOON_MS);
  });
});
