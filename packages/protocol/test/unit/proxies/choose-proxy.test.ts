import { describe, expect, it } from "vitest";

import { chooseProxy } from "../../../src/proxies/index.ts";

const PROXY = "http://proxy.test:3128";

function chosen(url: string, environment: Record<string, string>): string | undefined {
  const choice = chooseProxy(new URL(url), environment);
  return choice.kind === "proxy" ? choice.proxy.origin : undefined;
}

describe("chooseProxy", () => {
  it("takes the variable of the URL's scheme, in capitals before small letters", () => {
    expect(chosen("https://h.test/", { HTTPS_PROXY: PROXY })).toBe(PROXY);
    expect(chosen("https://h.test/", { HTTP_PROXY: PROXY })).toBeUndefined();
    expect(chosen("http://h.test/", { http_proxy: PROXY })).toBe(PROXY);
    expect(chosen("https://h.test/", { HTTPS_PROXY: PROXY, https_proxy: "http://other:1" })).toBe(PROXY);
    expect(chosen("https://h.test/", { HTTPS_PROXY: " " })).toBeUndefined();
  });

  it("takes the other spelling where the first is set and empty, as Go does", () => {
    expect(chosen("https://h.test/", { HTTPS_PROXY: "", https_proxy: PROXY })).toBe(PROXY);
    expect(chosen("http://h.test/", { HTTP_PROXY: " ", http_proxy: PROXY })).toBe(PROXY);
    expect(chosen("https://h.test/", { HTTPS_PROXY: PROXY, NO_PROXY: "", no_proxy: "h.test" })).toBeUndefined();
  });

  it("takes an address without a scheme for http, as curl and Go do", () => {
    expect(chosen("https://h.test/", { HTTPS_PROXY: "proxy.test:3128" })).toBe(PROXY);
  });

  it.each(["localhost", "127.0.0.1", "127.9.9.9", "[::1]"])("never sends %s to a proxy", (host) => {
    expect(chosen(`https://${host}:8443/`, { HTTPS_PROXY: PROXY })).toBeUndefined();
  });

  // The rows of Go's httpproxy documentation and tests, facts and not code.
  it.each([
    { noProxy: "*", host: "h.test", exempt: true },
    { noProxy: "example.com", host: "example.com", exempt: true },
    { noProxy: "example.com", host: "a.example.com", exempt: true },
    { noProxy: "example.com", host: "badexample.com", exempt: false },
    { noProxy: ".example.com", host: "a.example.com", exempt: true },
    { noProxy: ".example.com", host: "example.com", exempt: false },
    { noProxy: "*.example.com", host: "a.example.com", exempt: true },
    { noProxy: "EXAMPLE.com", host: "Example.COM", exempt: true },
    { noProxy: "a.test, b.test ,,", host: "b.test", exempt: true },
    { noProxy: "h.test:8443", host: "h.test:8443", exempt: true },
    { noProxy: "h.test:8443", host: "h.test", exempt: false },
    { noProxy: "h.test:443", host: "h.test", exempt: true },
    { noProxy: "192.0.2.1", host: "192.0.2.1", exempt: true },
    { noProxy: "192.0.2.1", host: "192.0.2.11", exempt: false },
    { noProxy: "192.0.2.0/24", host: "192.0.2.200", exempt: true },
    { noProxy: "192.0.2.0/24", host: "192.0.3.1", exempt: false },
    { noProxy: "192.0.2.0/99", host: "192.0.2.1", exempt: false },
    { noProxy: "2001:db8::/32", host: "[2001:db8::7]", exempt: true },
    { noProxy: "[2001:db8::7]:443", host: "[2001:db8::7]", exempt: true },
    { noProxy: "192.0.2.0/24", host: "h.test", exempt: false },
  ])("$noProxy exempts $host: $exempt", ({ noProxy, host, exempt }) => {
    const proxy = chosen(`https://${host}/`, { HTTPS_PROXY: PROXY, NO_PROXY: noProxy });
    expect(proxy).toBe(exempt ? undefined : PROXY);
  });

  it("takes a password with everything that is escaped in it", () => {
    const choice = chooseProxy(new URL("https://h.test/"), { HTTPS_PROXY: "http://us%40er:50%25off@proxy.test:3128" });
    expect(choice).toMatchObject({ kind: "proxy", proxy: { username: "us%40er", password: "50%25off" } });
  });

  it.each([
    "socks5://127.0.0.1:1080",
    "ftp://h/",
    "http://",
    // Go: invalid URL escape. Node's agents throw a URIError when they are made with it.
    "http://user:50%off@proxy.test:3128",
    "http://100%:secret@proxy.test:3128",
  ])("says that %s is no proxy", (value) => {
    const choice = chooseProxy(new URL("https://h.test/"), { HTTPS_PROXY: value });
    expect(choice).toEqual({ kind: "invalid", variable: "HTTPS_PROXY" });
  });
});
