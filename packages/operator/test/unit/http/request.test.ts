import { describe, expect, it } from "vitest";
import { authorizationOf } from "../../../src/http/authorization.ts";
import { SessionError } from "../../../src/http/errors.ts";
import { RegistrationRefusedError } from "../../../src/registration/index.ts";
import { refusalOf } from "../../../src/http/refusal.ts";
import { routeOf } from "../../../src/http/route.ts";
import { KubernetesError } from "../../../src/controller/errors.ts";

describe("routeOf", () => {
  it.each([
    ["/v1-rancheros/registration/abc", { kind: "registration", token: "abc" }],
    ["/v1-rancheros/registration/abc?x=1", { kind: "registration", token: "abc" }],
    ["/v1-rancheros/registration/", { kind: "registration", token: "" }],
    // The original takes the path's last element, as Go's path.Base gives it.
    ["/v1-rancheros/registration/abc/", { kind: "registration", token: "abc" }],
    ["/v1-rancheros/registration//abc//?x=1", { kind: "registration", token: "abc" }],
    ["/v1-rancheros/registration/abc/def", { kind: "registration", token: "abc/def" }],
    ["/v1-rancheros/inventory", { kind: "inventory" }],
    ["/v1-rancheros/cacerts", { kind: "cacerts" }],
    ["http://x:80/v1-rancheros/cacerts?a", { kind: "cacerts" }],
    ["http://x", { kind: "unknown" }],
    ["/x/cacerts", { kind: "unknown" }],
    ["/anything/registration/abc", { kind: "unknown" }],
    ["/v1-rancheros/whatever", { kind: "unknown" }],
    ["/", { kind: "unknown" }],
    ["*", { kind: "unknown" }],
  ])("reads %s", (target, route) => {
    expect(routeOf(target)).toEqual(route);
  });
});

describe("authorizationOf", () => {
  it.each([
    [undefined, { kind: "none" }],
    ["Bearer TPMe30=", { kind: "tpm", header: "Bearer TPMe30=" }],
    ["Bearer Z29sZGVu", { kind: "bearer", value: "Z29sZGVu" }],
    ["Z29sZGVu", { kind: "unsupported" }],
    ["Basic Z29sZGVu", { kind: "unsupported" }],
    ["Bearer  two", { kind: "unsupported" }],
  ])("reads %s", (header, authorization) => {
    expect(authorizationOf(header)).toEqual(authorization);
  });
});

describe("refusalOf", () => {
  it("tells rancherd in a 401, the only answer whose body it shows", () => {
    const { answer, close } = refusalOf(new RegistrationRefusedError("REGISTRATION_UNKNOWN"));
    expect(answer).toMatchObject({ status: 401, body: "MachineRegistration does not exist\n" });
    expect(close).toEqual({ code: 1008, reason: "MachineRegistration does not exist" });
  });

  it("asks to come back where that may help, and says nothing of the API server", () => {
    const { answer, close } = refusalOf(
      new KubernetesError("KUBERNETES_UNREACHABLE", "cannot reach https://10.0.0.1:6443"),
    );
    expect(answer.status).toBe(503);
    expect(answer.headers["retry-after"]).toBe("10");
    expect(close.code).toBe(1013);
    expect(answer.body + close.reason).not.toContain("10.0.0.1");
  });

  it("says nothing of an unexpected error", () => {
    const { answer, close } = refusalOf(new TypeError("secret of the house"));
    expect(answer.status).toBe(500);
    expect(answer.body + close.reason).not.toContain("secret");
  });

  it("keeps the reason within a close frame, also with letters of several bytes", () => {
    const { close } = refusalOf(new SessionError("CHALLENGE_FAILED", "ü".repeat(200)));
    expect(Buffer.byteLength(close.reason)).toBeLessThanOrEqual(123);
    expect(close.reason).toMatch(/^ü+$/);
  });
});
