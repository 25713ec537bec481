import { describe, expect, it } from "vitest";

import { RegistrationError } from "../../../src/registration/errors.ts";
import { networkFailure } from "../../../src/registration/network-failure.ts";

const SERVER = new URL("https://h.test:8443/v1-rancheros/registration/secret");
const PROXY = new URL("http://user:canary@proxy.test:3128");

function nodeError(code: string, more: object = {}): Error {
  return Object.assign(new Error(`${code} as Node words it`), { code }, more);
}

describe("networkFailure", () => {
  it.each([
    { code: "ENOTFOUND", reason: "dns" },
    { code: "EAI_AGAIN", reason: "dns" },
    { code: "ECONNREFUSED", reason: "refused" },
    { code: "EHOSTUNREACH", reason: "no-route" },
    { code: "ENETUNREACH", reason: "no-route" },
    { code: "ETIMEDOUT", reason: "no-answer" },
    { code: "ECONNRESET", reason: "reset" },
    { code: "EPIPE", reason: "reset" },
    { code: "ESOMETHING", reason: "other" },
  ])("calls $code unreachable: $reason", ({ code, reason }) => {
    const cause = nodeError(code);
    const failure = networkFailure(cause, { server: SERVER, proxy: undefined });
    expect(failure).toMatchObject({
      code: "REGISTRATION_UNREACHABLE",
      failure: "unreachable",
      retry: "backoff",
      cause,
    });
    expect(failure.details).toEqual({ reason, host: "h.test:8443" });
    expect(failure.message).not.toContain("secret");
  });

  it.each([
    { code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE", reason: "unknown-authority" },
    { code: "DEPTH_ZERO_SELF_SIGNED_CERT", reason: "unknown-authority" },
    { code: "SELF_SIGNED_CERT_IN_CHAIN", reason: "unknown-authority" },
    { code: "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", reason: "unknown-authority" },
    { code: "CERT_HAS_EXPIRED", reason: "expired" },
    { code: "CERT_NOT_YET_VALID", reason: "not-yet-valid", retry: "backoff" },
    { code: "CERT_REVOKED", reason: "other" },
    { code: "ERR_TLS_CERT_ALTNAME_INVALID", reason: "host-name" },
  ])("calls $code untrusted: $reason, with a proxy too", ({ code, reason, retry = "never" }) => {
    const failure = networkFailure(nodeError(code), { server: SERVER, proxy: PROXY });
    expect(failure).toMatchObject({ code: "REGISTRATION_TLS_UNTRUSTED", failure: "refused", retry });
    expect(failure.details).toEqual({ reason, tlsError: code });
  });

  it("has OpenSSL's words for what Node has no name for, made harmless and short", () => {
    const error = Object.assign(
      new Error(`CA signature digest algorithm too weak\u001B[2J${" and so on".repeat(50)}`),
      {
        code: "UNSPECIFIED",
      },
    );
    const failure = networkFailure(error, { server: SERVER, proxy: PROXY });
    expect(failure).toMatchObject({ code: "REGISTRATION_TLS_UNTRUSTED", details: { reason: "other" } });
    expect(failure.message).toContain("is not acceptable: CA signature digest algorithm too weak??2J and so on");
    expect(failure.message.length).toBeLessThan(200);
  });

  it("names what a certificate is for, made harmless and short", () => {
    const cert = { subjectaltname: `DNS:real.test, DNS:\u001B[2Jx, ${"DNS:long.test, ".repeat(50)}` };
    const failure = networkFailure(nodeError("ERR_TLS_CERT_ALTNAME_INVALID", { cert }), {
      server: SERVER,
      proxy: undefined,
    });
    expect(failure.message).toContain("it is for DNS:real.test, DNS:??2Jx");
    expect(failure.message.length).toBeLessThan(320);
  });

  it.each(["EPROTO", "ERR_SSL_WRONG_VERSION_NUMBER", "ERR_TLS_PROTOCOL_VERSION_CONFLICT"])(
    "calls %s no TLS",
    (code) => {
      const failure = networkFailure(nodeError(code), { server: SERVER, proxy: undefined });
      expect(failure).toMatchObject({ code: "REGISTRATION_TLS_FAILED", failure: "nonsense" });
    },
  );

  it.each([
    nodeError("HPE_INVALID_CONSTANT"),
    nodeError("WS_ERR_INVALID_OPCODE"),
    new Error("Invalid Sec-WebSocket-Accept header"),
    new Error("Server sent a subprotocol but none was requested"),
  ])("calls $message nonsense", (error) => {
    const failure = networkFailure(error, { server: SERVER, proxy: undefined });
    expect(failure).toMatchObject({ code: "REGISTRATION_NONSENSE", failure: "nonsense", retry: "never" });
  });

  it("blames the proxy where there is one, without its password", () => {
    const rows = [
      nodeError("ECONNREFUSED"),
      nodeError("ERR_PROXY_TUNNEL", { statusCode: 407 }),
      nodeError("ERR_PROXY_TUNNEL"),
    ];
    const failures = rows.map((error) => networkFailure(error, { server: SERVER, proxy: PROXY }));
    expect(failures.map(({ code }) => code)).toEqual(rows.map(() => "REGISTRATION_PROXY"));
    expect(failures.map(({ details }) => details)).toEqual([
      { proxy: "proxy.test:3128", reason: "refused" },
      { proxy: "proxy.test:3128", status: 407 },
      { proxy: "proxy.test:3128", reason: "other" },
    ]);
    expect(failures.map(({ message }) => message).join()).not.toContain("canary");
  });

  it("leaves an error of our own as it is", () => {
    const error = new RegistrationError("REGISTRATION_NONSENSE", "x");
    expect(networkFailure(error, { server: SERVER, proxy: undefined })).toBe(error);
  });

  it("takes anything that was thrown", () => {
    expect(networkFailure("text", { server: SERVER, proxy: undefined }).code).toBe("REGISTRATION_UNREACHABLE");
  });
});
