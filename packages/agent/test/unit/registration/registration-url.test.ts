import { describe, expect, it } from "vitest";

import { parseRegistrationUrl } from "../../../src/registration/registration-url.ts";

const TOKEN = "5c297kgwjrs55qwml529phv4fjv2lx66b7mwtlxs9k4k768dkfhpnc";
const TLS_ONLY = { allowHttp: false };

describe("parseRegistrationUrl", () => {
  it("gives the address, where its CA is, and a form without the secret", () => {
    const url = `https://rancher.example.test:8443/v1-rancheros/registration/${TOKEN}`;
    const parsed = parseRegistrationUrl(` ${url}\n`, TLS_ONLY);
    expect(parsed.url.href).toBe(url);
    expect(parsed.cacertsUrl.href).toBe("https://rancher.example.test:8443/v1-rancheros/cacerts");
    expect(parsed.display).toBe("https://rancher.example.test:8443/v1-rancheros/registration/5c29...");
  });

  it("takes a path in front, as behind a proxy, and asks for the CA without it", () => {
    const parsed = parseRegistrationUrl(`https://h/prefix/v1-rancheros/registration/${TOKEN}`, TLS_ONLY);
    expect(parsed.cacertsUrl.href).toBe("https://h/v1-rancheros/cacerts");
    expect(parsed.display).toBe("https://h/prefix/v1-rancheros/registration/5c29...");
  });

  it("takes the secret out of other people's texts, also one in the query", () => {
    const { redact, display } = parseRegistrationUrl(`https://h/registration/${TOKEN}?key=${"k".repeat(20)}`, TLS_ONLY);
    expect(redact(`no ${TOKEN} here, ${"k".repeat(20)}`)).toBe("no 5c29... here, kkkk...");
    expect(display).not.toContain("kkkkk");
  });

  it.each([
    "",
    "rancher.example.test",
    "wss://h/v1-rancheros/registration/x",
    "file:///etc/passwd",
    "https://user:password@h/v1-rancheros/registration/x",
    "https://h/v1-rancheros/registration/x#part",
    "https://rancher.example.test",
    "https://rancher.example.test/",
    "https://h/v1-rancheros/registration/abc%zz",
    "https://h/v1-rancheros/registration/abc%",
    "https://h/v1-rancheros/registration/abc%ff",
  ])("refuses %j", (text) => {
    expect(() => parseRegistrationUrl(text, { allowHttp: true })).toThrow(
      expect.objectContaining({ code: "REGISTRATION_URL_INVALID", failure: "usage" }),
    );
  });

  it("does not repeat a password in the error", () => {
    expect(() => parseRegistrationUrl("https://user:canary@h/x", TLS_ONLY)).toThrow(/^(?!.*canary)/);
  });

  it("takes plain http only where that was asked for", () => {
    const url = `http://h/v1-rancheros/registration/${TOKEN}`;
    expect(() => parseRegistrationUrl(url, TLS_ONLY)).toThrow(
      expect.objectContaining({ code: "REGISTRATION_PLAIN_HTTP" }),
    );
    expect(parseRegistrationUrl(url, { allowHttp: true }).url.protocol).toBe("http:");
  });
});
