import { parseImageReference } from "@rancheros/protocol/images";
import { describe, expect, it } from "vitest";
import { endpointsOf, manifestUrl } from "../../../src/registry/endpoints.ts";
import { NO_REGISTRY_SETTINGS, type RegistryMirrors } from "../../../src/registry/index.ts";

function urls(
  image: string,
  mirrors: Readonly<Record<string, RegistryMirrors>> = {},
  insecure: readonly string[] = [],
) {
  const settings = {
    ...NO_REGISTRY_SETTINGS,
    mirrors: new Map(Object.entries(mirrors)),
    insecureHosts: new Set(insecure),
  };
  const reference = parseImageReference(image);
  return endpointsOf(reference, settings).map((one) => manifestUrl(one, reference.tag ?? "").href);
}

const mirrors = (upstream: boolean, ...list: readonly string[]) => ({
  urls: list.map((one) => new URL(one)),
  upstream,
});

describe("endpointsOf", () => {
  it("asks the registry itself, with TLS unless its host and port are named", () => {
    expect(urls("r.test:5000/os:v1")).toEqual(["https://r.test:5000/v2/os/manifests/v1"]);
    expect(urls("r.test:5000/os:v1", {}, ["r.test"])).toEqual(["https://r.test:5000/v2/os/manifests/v1"]);
    expect(urls("r.test:5000/os:v1", {}, ["r.test:5000"])).toEqual(["http://r.test:5000/v2/os/manifests/v1"]);
    expect(urls("[::1]:5000/os:v1")).toEqual(["https://[::1]:5000/v2/os/manifests/v1"]);
  });

  it("knows where docker.io has its registry", () => {
    expect(urls("rancher/os2:v1")).toEqual(["https://registry-1.docker.io/v2/rancher/os2/manifests/v1"]);
  });

  it("asks mirrors first, tells them for whom, and has the host's own before those of all hosts", () => {
    const settings = {
      "docker.io": mirrors(true, "https://one.test", "http://two.test:5000/hub/"),
      "*": mirrors(false, "https://all.test/x/y"),
    };
    expect(urls("os:v1", settings)).toEqual([
      "https://one.test/v2/library/os/manifests/v1?ns=docker.io",
      "http://two.test:5000/v2/hub/library/os/manifests/v1?ns=docker.io",
      "https://registry-1.docker.io/v2/library/os/manifests/v1",
    ]);
    expect(urls("r.test:5000/os:v1", settings)).toEqual(["https://all.test/v2/x/y/os/manifests/v1?ns=r.test%3A5000"]);
  });

  it("searches credentials by the mirror's own name", () => {
    const settings = {
      ...NO_REGISTRY_SETTINGS,
      mirrors: new Map([["docker.io", mirrors(true, "https://one.test/hub")]]),
    };
    const names = endpointsOf(parseImageReference("os"), settings).map(({ imageName }) => imageName);
    expect(names).toEqual(["one.test/hub/library/os", "docker.io/library/os"]);
  });
});
