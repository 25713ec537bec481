import { describe, expect, it } from "vitest";

import { chooseProxy } from "../../../src/registration/proxy.ts";

const PROXY = "http://proxy.test:3128";

function chosen(url: string, environment: Record<string, string>): string | undefined {
  return chooseProxy(new URL(url), environment)?.origin;
}

describe("chooseProxy", () => {
  it("takes the variable of the URL's scheme, in capitals before small letters", () => {
    expect(chosen("https://h.test/", { HTTPS_PROXY: PROXY })).toBe(PROXY);
    expect(chosen("https://h.test/", { HTTP_PROXY: PROXY })).toBeUndefined();
    expect(chosen("http://h.test/", { http_proxy: PROXY })).toBe(PROXY);
    expect(chosen("https://h.test/", { HTTPS_PROXY: PROXY, https_proxy: "http://other:1" })).toBe(PROXY);
    expect(chosen("https://h.test/", { HTTPS_PROXY: " " })).toBeUndefined();
  });

  it.each(["socks5://127.0.0.1:1080", "ftp://h/", "http://"])("refuses %s, and does not show it", (value) => {
    const choose = (): unknown => chooseProxy(new URL("https://h.test/"), { HTTPS_PROXY: value });
    expect(choose).toThrow(expect.objectContaining({ code: "REGISTRATION_PROXY_INVALID" }));
    expect(choose).toThrow(/HTTPS_PROXY(?!.*:\/\/)/);
  });
});
