import { describe, expect, it } from "vitest";
import { isRegistrationToken, newRegistrationToken } from "../../../src/registration/registration-token.ts";

describe("newRegistrationToken", () => {
  it("has 54 characters of the alphabet", () => {
    const token = newRegistrationToken((bytes) => new Uint8Array(bytes).map((_, index) => index * 7));
    expect(token).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{54}$/);
    expect(isRegistrationToken(token)).toBe(true);
  });

  it("throws away bytes that would make some characters likelier than others", () => {
    const rounds = [255, 250, 243, 0, 242];
    let calls = 0;
    const token = newRegistrationToken((bytes) => {
      const byte = rounds[calls] ?? 1;
      calls += 1;
      return new Uint8Array(bytes).fill(byte);
    });
    expect(token).toBe("b".repeat(54));
    expect(calls).toBe(4);
  });

  it("knows what is no token", () => {
    expect(isRegistrationToken("nosuchtoken")).toBe(false);
    expect(isRegistrationToken("b".repeat(55))).toBe(false);
  });
});
