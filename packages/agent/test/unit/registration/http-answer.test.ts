import { describe, expect, it } from "vitest";

import { mayBeTooLarge, refusalFromAnswer, type HttpAnswer } from "../../../src/registration/http-answer.ts";
import { parseRegistrationUrl } from "../../../src/registration/registration-url.ts";

const TOKEN = "5c297kgwjrs55qwml529phv4fjv2lx66b7mwtlxs9k4k768dkfhpnc";
const SERVER = parseRegistrationUrl(`https://h.test/v1-rancheros/registration/${TOKEN}`, { allowHttp: false });
const NOW_MS = Date.parse("2026-11-23T00:00:00Z");

function refusal(answer: { status: number; headers?: HttpAnswer["headers"]; body?: string }): object {
  const { status, headers = {}, body = "" } = answer;
  return refusalFromAnswer({ status, headers, body: Buffer.from(body) }, SERVER, NOW_MS);
}

describe("refusalFromAnswer", () => {
  // Bodies as the original sends them (http.Error of Go: a newline at the end).
  it.each([
    {
      status: 401,
      body: "MachineRegistration does not exist\n",
      says: "the server refuses (HTTP 401): MachineRegistration does not exist",
    },
    {
      status: 401,
      body: "illegal base64 data at input byte 0\n",
      says: "the server refuses (HTTP 401): illegal base64 data at input byte 0",
    },
    { status: 403, body: "", says: "the server refuses (HTTP 403)" },
    { status: 404, body: "<!DOCTYPE html><html></html>", says: "the server refuses (HTTP 404)" },
    { status: 501, body: "", says: "the server refuses (HTTP 501)" },
  ])("is final for $status", ({ status, body, says }) => {
    expect(refusal({ status, body })).toMatchObject({ code: "REGISTRATION_REFUSED", retry: "never", message: says });
  });

  it.each([408, 425, 429, 500, 502, 503, 504])("may be different later for %d", (status) => {
    expect(refusal({ status })).toMatchObject({
      code: "REGISTRATION_TRY_LATER",
      retry: "backoff",
      details: { status },
    });
  });

  it.each([
    { value: "0", afterMs: 0 },
    { value: "120", afterMs: 120_000 },
    { value: "Mon, 23 Nov 2026 00:01:00 GMT", afterMs: 60_000 },
    { value: "Mon, 23 Nov 2020 00:01:00 GMT", afterMs: 0 },
    { value: "999999999", afterMs: 600_000 },
  ])("comes back after $value as asked, within bounds", ({ value, afterMs }) => {
    expect(refusal({ status: 503, headers: { "retry-after": value } })).toMatchObject({ retry: { afterMs } });
  });

  it.each(["", "soon", "-5x"])("does not believe Retry-After: %j", (value) => {
    expect(refusal({ status: 503, headers: { "retry-after": value } })).toMatchObject({ retry: "backoff" });
  });

  it("names where a redirect leads, without its path", () => {
    expect(refusal({ status: 307, headers: { location: `https://other.test/x/${TOKEN}` } })).toMatchObject({
      code: "REGISTRATION_REDIRECTED",
      message: "the server redirects to https://other.test",
    });
    expect(refusal({ status: 301 })).toMatchObject({ code: "REGISTRATION_REDIRECTED" });
  });

  it("calls success nonsense, as a websocket was asked for", () => {
    expect(refusal({ status: 200, body: "hello" })).toMatchObject({ code: "REGISTRATION_NONSENSE", retry: "never" });
  });
});

describe("mayBeTooLarge", () => {
  it("knows what servers answer to large headers", () => {
    const statuses = [200, 400, 401, 413, 431, 494, 500].filter((status) =>
      mayBeTooLarge({ status, headers: {}, body: Buffer.alloc(0) }),
    );
    expect(statuses).toEqual([400, 413, 431, 494]);
  });
});
