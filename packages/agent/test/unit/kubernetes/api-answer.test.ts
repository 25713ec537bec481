import { describe, expect, it } from "vitest";

import { noteProxyError } from "../../../src/http/io/proxy-tls.ts";
import { readAnswer } from "../../../src/kubernetes/api-answer.ts";
import { NodeApiError } from "../../../src/kubernetes/errors.ts";
import type { KubernetesClient } from "../../../src/kubernetes/kubernetes-client.ts";
import { listAll } from "../../../src/kubernetes/list-all.ts";
import { networkFailure } from "../../../src/kubernetes/network-failure.ts";

function refusal(status: number, body: unknown, retryAfter?: string): NodeApiError {
  try {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    readAnswer({ status, retryAfter, date: undefined, body: Buffer.from(text) });
  } catch (error) {
    if (error instanceof NodeApiError) return error;
  }
  throw new Error("not refused");
}

function statusObject(reason: string, message: string, causes: readonly unknown[] = []): unknown {
  return { kind: "Status", status: "Failure", reason, message, details: { causes } };
}

describe("an API server's answer", () => {
  it.each([
    [401, "NODE_API_UNAUTHORIZED"],
    [403, "NODE_API_FORBIDDEN"],
    [404, "NODE_API_NOT_FOUND"],
    [409, "NODE_API_CONFLICT"],
    [429, "NODE_API_BUSY"],
    [503, "NODE_API_BUSY"],
    [504, "NODE_API_BUSY"],
    [500, "NODE_API_FAILED"],
    [400, "NODE_API_REFUSED"],
    [422, "NODE_API_REFUSED"],
    [302, "NODE_API_NONSENSE"],
  ])("of status %d is %s, in the server's words", (status, code) => {
    expect(refusal(status, statusObject("R", "its words"))).toMatchObject({
      code,
      message: "its words",
      status: { httpStatus: status, reason: "R" },
    });
  });

  it("with Retry-After says when, a server error among them, within bounds", () => {
    expect(refusal(429, statusObject("", "m"), "7").retry).toEqual({ afterMs: 7000 });
    expect(refusal(500, statusObject("", "m"), "10")).toMatchObject({
      code: "NODE_API_BUSY",
      retry: { afterMs: 10_000 },
    });
    expect(refusal(429, statusObject("", "m"), "999999").retry).toEqual({ afterMs: 60_000 });
    expect(refusal(429, statusObject("", "m"), "soon").retry).toBe("backoff");
  });

  it("that is no API server's is told by its status, on one line that moves no cursor", () => {
    expect(refusal(502, "bad\n\u001b[2Jgateway").message).toBe("the API server answers HTTP 502: bad [2Jgateway");
    expect(refusal(403, "")).toMatchObject({ message: "the API server answers HTTP 403", status: { causes: [] } });
    expect(refusal(200, "<html>")).toMatchObject({ code: "NODE_API_NONSENSE" });
  });

  it("keeps its causes, whatever else stands there", () => {
    const causes = [{ reason: "DisruptionBudget", message: "m" }, 7, null, { reason: 1 }];
    expect(refusal(429, statusObject("", "x", causes)).status?.causes).toEqual([
      { reason: "DisruptionBudget", message: "m" },
      { reason: "", message: "" },
    ]);
  });
});

describe("a failed connection", () => {
  it.each([
    ["ECONNREFUSED", "NODE_API_UNREACHABLE", "nothing listens at the API server h:1"],
    ["ECONNRESET", "NODE_API_UNREACHABLE", "broke the connection"],
    ["UNHEARD_OF", "NODE_API_UNREACHABLE", "failed"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "NODE_API_UNTRUSTED", "does not trust"],
    ["CERT_HAS_EXPIRED", "NODE_API_UNTRUSTED", "has expired"],
    ["UNSPECIFIED", "NODE_API_UNTRUSTED", "is not acceptable: x"],
    ["ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED", "NODE_API_UNAUTHORIZED", "refuses the client certificate"],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "NODE_API_NONSENSE", "does not speak HTTPS"],
    ["HPE_INVALID_CONSTANT", "NODE_API_NONSENSE", "does not speak HTTPS"],
  ])("with %s is %s", (networkCode, code, words) => {
    const error = networkFailure(Object.assign(new Error("x"), { code: networkCode }), "h:1");
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
  });

  it.each([false, true])(
    "with a certificate that is not valid yet passes with this machine's clock (a proxy's: %j)",
    (isProxy) => {
      const cause = Object.assign(new Error("x"), { code: "CERT_NOT_YET_VALID" });
      if (isProxy) noteProxyError(cause);
      expect(networkFailure(cause, "h:1")).toMatchObject({ code: "NODE_API_UNTRUSTED", retry: "backoff" });
      const ended = Object.assign(new Error("x"), { code: "CERT_HAS_EXPIRED" });
      expect(networkFailure(ended, "h:1")).toMatchObject({ code: "NODE_API_UNTRUSTED", retry: "never" });
    },
  );

  it.each([
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "comes from a CA that neither the kubeconfig nor this machine trusts"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "is for another name than the one by which it is asked"],
    ["CERT_HAS_EXPIRED", "has expired"],
  ])("with %s of the proxy is no matter of the kubeconfig", (code, words) => {
    const cause = Object.assign(new Error("x"), { code });
    noteProxyError(cause);
    const { code: own, message, mend } = networkFailure(cause, "h:1");
    expect(own).toBe("NODE_API_UNTRUSTED");
    expect(message).toBe(`the certificate of the proxy on the way to the API server h:1 ${words}`);
    expect(mend).toContain("update-ca-certificates");
    expect(mend).not.toContain("kubeconfig");
  });
});

/** Answers lists from a table of pages, by the continue token; undefined is a token that was forgotten. */
function pagesClient(pages: Readonly<Record<string, unknown>>): KubernetesClient & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    host: "h",
    kubeconfigPath: "/k",
    identity: { kind: "other", userName: undefined },
    send: ({ query }) => {
      const token = query?.["continue"] ?? "";
      asked.push(`${query?.["limit"]} ${token}`);
      const page = pages[token];
      if (page !== undefined) return Promise.resolve(page);
      const status = { httpStatus: 410, reason: "Expired", message: "", causes: [] };
      return Promise.reject(new NodeApiError("NODE_API_REFUSED", "too old", { status }));
    },
    serverMs: Date.now,
    close: () => undefined,
  };
}

describe("a list", () => {
  const request = { path: "/x", signal: new AbortController().signal, parseItem: String };

  it("is read page by page", async () => {
    const client = pagesClient({
      "": { metadata: { continue: "a" }, items: ["1", "2"] },
      a: { metadata: { continue: "b" }, items: null },
      b: { metadata: {}, items: ["3"] },
    });
    expect(await listAll(client, request)).toEqual(["1", "2", "3"]);
    expect(client.asked).toEqual(["500 ", "500 a", "500 b"]);
  });

  it("begins anew where the server forgot it, and not for ever", async () => {
    const client = pagesClient({ "": { metadata: { continue: "gone" }, items: ["1"] } });
    await expect(listAll(client, request)).rejects.toMatchObject({ code: "NODE_API_REFUSED" });
    expect(client.asked).toEqual(["500 ", "500 gone", "500 ", "500 gone", "500 ", "500 gone"]);
  });

  it("that has no end, or is none, is nonsense", async () => {
    const endless = pagesClient({
      "": { metadata: { continue: "a" }, items: [] },
      a: { metadata: { continue: "a" }, items: [] },
    });
    await expect(listAll(endless, request)).rejects.toMatchObject({ code: "NODE_API_NONSENSE" });
    for (const page of [7, {}, { metadata: {}, items: 7 }, { items: [] }]) {
      await expect(listAll(pagesClient({ "": page }), request)).rejects.toMatchObject({ code: "NODE_API_NONSENSE" });
    }
  });
});
