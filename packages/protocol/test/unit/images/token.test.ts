import { describe, expect, it } from "vitest";
import { parseToken, tokenUrl } from "@rancheros/protocol/images";

const tls = new URL("https://registry.test:5000/v2");
const plain = new URL("http://registry.test:5000/v2");
const url = (realm: string, registry = tls, scope?: string): string | undefined =>
  tokenUrl({ scheme: "bearer", realm, service: undefined, scope }, registry, "os/base")?.href;

describe("tokenUrl", () => {
  it("is the registry's own where no other host is named, and may be another's with TLS", () => {
    expect(url("/token")).toBe("https://registry.test:5000/token?scope=repository%3Aos%2Fbase%3Apull");
    expect(url("https://auth.test/token?a=b")).toBe("https://auth.test/token?a=b&scope=repository%3Aos%2Fbase%3Apull");
  });

  it("is without TLS only on the host of a registry that is asked without", () => {
    expect(url("http://registry.test/token", plain)).toMatch(/^http:\/\/registry\.test\/token\?/);
    expect(url("http://registry.test/token", tls)).toBeUndefined();
    expect(url("http://auth.test/token", plain)).toBeUndefined();
  });

  it.each(["https://u@auth.test/", "https://:p@auth.test/", "ftp://registry.test/", "https://"])(
    "is not %s",
    (realm) => {
      expect(url(realm, plain)).toBeUndefined();
    },
  );

  it("asks for what the registry names, and for no more than to pull", () => {
    const asked = (scope: string): unknown => new URL(url("/token", tls, scope) ?? "").searchParams.get("scope");
    expect(asked("repository:other:pull")).toBe("repository:other:pull");
    expect(asked("repository:other:pull,push")).toBe("repository:os/base:pull");
    expect(asked("registry:catalog:*")).toBe("repository:os/base:pull");
  });
});

describe("parseToken", () => {
  it.each([
    ['{"token":"a"}', "a"],
    ['{"access_token":"b"}', "b"],
    ['{"token":"a","access_token":"b"}', "a"],
    ['{"token":"","access_token":"b"}', "b"],
    ['{"token":null,"access_token":"b"}', "b"],
    ['{"token":"a b","access_token":"b"}', "b"],
    ['{"token":7,"access_token":""}', undefined],
    ['{"token":"a\\r\\nx: 1"}', undefined],
    ['["token"]', undefined],
    ["null", undefined],
    ["<html>", undefined],
    ["", undefined],
  ])("finds in %s %s", (body, token) => {
    expect(parseToken(body)).toBe(token);
  });
});
