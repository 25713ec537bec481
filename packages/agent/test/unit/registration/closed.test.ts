import { describe, expect, it } from "vitest";

import { refusalFromClose } from "../../../src/registration/closed.ts";

const AS_IT_IS = (text: string): string => text;

describe("refusalFromClose", () => {
  it.each([
    { code: 1000, reason: "", error: "REGISTRATION_CLOSED_EARLY" },
    { code: 1005, reason: "", error: "REGISTRATION_CLOSED_EARLY" },
    { code: 1006, reason: "", error: "REGISTRATION_CLOSED_EARLY" },
    { code: 1000, reason: "done with you", error: "REGISTRATION_REFUSED" },
    { code: 1002, reason: "", error: "REGISTRATION_REFUSED" },
    { code: 1008, reason: "not allowed", error: "REGISTRATION_REFUSED" },
    { code: 1009, reason: "", error: "REGISTRATION_REFUSED" },
    { code: 4001, reason: "", error: "REGISTRATION_REFUSED" },
    { code: 1001, reason: "the operator stops, try again", error: "REGISTRATION_TRY_LATER" },
    { code: 1011, reason: "internal error", error: "REGISTRATION_TRY_LATER" },
    { code: 1012, reason: "", error: "REGISTRATION_TRY_LATER" },
    { code: 1013, reason: "busy", error: "REGISTRATION_TRY_LATER" },
  ])("is $error for $code $reason", ({ code, reason, error }) => {
    const refusal = refusalFromClose({ code, reason }, "config", AS_IT_IS);
    expect(refusal.code).toBe(error);
    expect(refusal.details).toEqual({ closeCode: code, step: "config" });
    if (reason !== "") expect(refusal.message).toContain(reason);
  });

  it("says at which step a silent end came", () => {
    const refusal = refusalFromClose({ code: 1006, reason: "" }, "challenge", AS_IT_IS);
    expect(refusal.message).toContain("waiting for the server's challenge");
    expect(refusal.retry).toBe("backoff");
  });
});
