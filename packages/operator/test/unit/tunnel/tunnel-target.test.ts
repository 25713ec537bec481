import { describe, expect, it } from "vitest";
import { makeCa } from "../../../src/tls/certificates.ts";
import { dialError } from "../../../src/tunnel/dial-error.ts";
import { redialDelayMs } from "../../../src/tunnel/redial-delay.ts";
import { isSameTarget, readTunnelTarget } from "../../../src/tunnel/tunnel-target.ts";
import { randomBytes } from "node:crypto";

const CA = makeCa(Date.now(), randomBytes).certificatePem;

function secret(data: Readonly<Record<string, string>>): object {
  const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
  return { kind: "Secret", data: Object.fromEntries(encoded) as Readonly<Record<string, string>> };
}

describe("the Secret of Rancher's tunnel", () => {
  it.each([
    ["https://rancher.example.com/v3/connect", "wss://rancher.example.com/v3/connect"],
    ["http://10.43.0.7/v3/connect?a=b", "ws://10.43.0.7/v3/connect?a=b"],
    ["wss://rancher.example.com:8443/", "wss://rancher.example.com:8443/"],
    ["  https://rancher.example.com/x#y\n", "wss://rancher.example.com/x"],
  ])("leads from %s to %s", (url, dialled) => {
    expect(readTunnelTarget(secret({ url, token: "t:x\n", "ca.crt": CA }))).toEqual({
      url: dialled,
      token: "t:x",
      caPem: CA.trim(),
    });
  });

  it("needs no CA where everybody believes the certificate", () => {
    expect(readTunnelTarget(secret({ url: "https://a", token: "t" }))).toMatchObject({ caPem: undefined });
  });

  it.each([
    ["no object", undefined],
    ["no data", { kind: "Secret" }],
    ["data of another kind", { data: "x" }],
    ["no token", secret({ url: "https://a", token: "" })],
    ["no address", secret({ token: "t" })],
    ["values that are no text", { data: { url: 5, token: [] } }],
  ])("leads nowhere yet with %s", (_what, object) => {
    expect(readTunnelTarget(object)).toBeUndefined();
  });

  it.each([
    ["an address of another kind", { url: "ftp://a", token: "t" }],
    ["no address but words", { url: "rancher", token: "t" }],
    ["an address with a password", { url: "https://a:b@c", token: "t" }],
    ["a token that splits the header", { url: "https://a", token: "t\r\nHost: b" }],
    ["a token beyond ASCII", { url: "https://a", token: "tö" }],
    ["an empty CA", { url: "https://a", token: "t", "ca.crt": "" }],
    ["a CA that is none", { url: "https://a", token: "t", "ca.crt": "hello" }],
    ["a CA that is cut off", { url: "https://a", token: "t", "ca.crt": CA.replace(/\n.*\n/, "\n") }],
    ["a CA without end", { url: "https://a", token: "t", "ca.crt": "x".repeat(100_000) }],
  ])("is refused with %s, and the token is not told", (_what, data) => {
    expect(() => readTunnelTarget(secret({ ...data, token: `${data.token}-secret` }))).toThrowError(
      expect.objectContaining({
        code: "TUNNEL_SECRET_INVALID",
        message: expect.not.stringContaining("-secret") as string,
      }),
    );
  });

  it("is the same where nothing of it changed", () => {
    const target = { url: "wss://a", token: "t", caPem: undefined };
    expect(isSameTarget(target, { ...target })).toBe(true);
    expect(isSameTarget(undefined, undefined)).toBe(true);
    for (const other of [
      undefined,
      { ...target, url: "wss://b" },
      { ...target, token: "u" },
      { ...target, caPem: "c" },
    ]) {
      expect(isSameTarget(target, other)).toBe(false);
    }
  });
});

describe("dialling again", () => {
  it("waits longer each time, up to a minute and a half, and never at the same time as the others", () => {
    expect([1, 2, 3, 7, 8, 1_000].map((failures) => redialDelayMs(failures, 0.5))).toEqual([
      1_000, 2_000, 4_000, 60_000, 60_000, 60_000,
    ]);
    expect([redialDelayMs(1, 0), redialDelayMs(1_000, 0.999)]).toEqual([500, expect.closeTo(89_940, 0)]);
  });

  it.each([
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "TUNNEL_UNTRUSTED"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "TUNNEL_UNTRUSTED"],
    ["CERT_HAS_EXPIRED", "TUNNEL_UNTRUSTED"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "TUNNEL_UNTRUSTED"],
    ["UNSPECIFIED", "TUNNEL_UNTRUSTED"],
    ["ECONNREFUSED", "TUNNEL_UNREACHABLE"],
    ["ENOTFOUND", "TUNNEL_UNREACHABLE"],
    ["ECONNRESET", "TUNNEL_UNREACHABLE"],
    ["HPE_INVALID_CONSTANT", "TUNNEL_FRAME_INVALID"],
  ])("%s is %s", (code, expected) => {
    expect(dialError(Object.assign(new Error("x"), { code })).code).toBe(expected);
  });

  it("tells a time-out and what is no websocket server by their sentences", () => {
    expect(dialError(new Error("Opening handshake has timed out")).code).toBe("TUNNEL_TIMEOUT");
    expect(dialError(new Error("Invalid Sec-WebSocket-Accept header")).code).toBe("TUNNEL_FRAME_INVALID");
  });
});
