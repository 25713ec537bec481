import { describe, expect, it } from "vitest";
import { authorizationOf } from "../../../src/versions/login.ts";

const SECRET = "a-password-nobody-sees";

function secretOf(data: Readonly<Record<string, string>>, type = "Opaque"): object {
  const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
  return { type, data: Object.fromEntries(encoded) as object };
}

describe("authorizationOf", () => {
  it("takes a token, or a name and a password, without the new line of a file", () => {
    expect(authorizationOf(secretOf({ token: "abc\n" }), "n/s")).toBe("Bearer abc");
    const basic = secretOf({ username: "me", password: `${SECRET}\n` }, "kubernetes.io/basic-auth");
    expect(authorizationOf(basic, "n/s")).toBe(`Basic ${Buffer.from(`me:${SECRET}`).toString("base64")}`);
  });

  it.each<[string, unknown]>([
    ["that is missing", undefined],
    ["without either", secretOf({ other: SECRET })],
    ["without a password", secretOf({ username: "me" })],
    ["whose name has a colon", secretOf({ username: "me:you", password: SECRET })],
    ["whose token is no header", secretOf({ token: `a\r\nb: ${SECRET}` })],
    ["of a ServiceAccount", secretOf({ token: SECRET }, "kubernetes.io/service-account-token")],
    ["of a registration", secretOf({ token: SECRET }, "rancheros.cattle.io/registration-token")],
    ["that is nonsense", { type: "Opaque", data: 7 }],
  ])("refuses a Secret %s, and shows nothing of it", (_, secret) => {
    let message = "";
    try {
      authorizationOf(secret, "n/s");
    } catch (error) {
      message = error instanceof Error ? error.message : "";
    }
    expect(message).toMatch(/^Secret n\/s: /);
    expect(message).not.toContain(SECRET);
  });
});
