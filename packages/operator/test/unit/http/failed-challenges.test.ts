import { describe, expect, it } from "vitest";
import { SessionError } from "../../../src/http/errors.ts";
import { createFailedChallenges } from "../../../src/http/failed-challenges.ts";

const wrong = (): SessionError => new SessionError("PROOF_WRONG", "wrong");

describe("wrong answers to challenges", () => {
  it("are told as they are up to the limit, then with the time to wait, source by source", () => {
    let nowMs = 0;
    const failures = createFailedChallenges(2, () => nowMs);
    const codes = (address: string) => Reflect.get(Object(failures.noted(wrong(), address)), "code") as unknown;
    expect([codes("192.0.2.1"), codes("192.0.2.1")]).toEqual(["PROOF_WRONG", "PROOF_WRONG"]);
    expect(failures.noted(new SessionError("CHALLENGE_FAILED", "wrong"), "192.0.2.1")).toMatchObject({
      code: "CHALLENGE_RATE",
      retry: { afterMs: 30_000 },
    });
    expect(codes("192.0.2.2")).toBe("PROOF_WRONG");
    nowMs = 30_000;
    expect(codes("192.0.2.1")).toBe("PROOF_WRONG");
    expect(codes("192.0.2.1")).toBe("CHALLENGE_RATE");
  });

  it("are the only thing that counts", () => {
    const failures = createFailedChallenges(1, () => 0);
    for (let time = 0; time < 10; time += 1) {
      const other = new SessionError("MACHINE_UNKNOWN", "not found");
      expect(failures.noted(other, "192.0.2.1")).toBe(other);
    }
    expect(failures.noted(wrong(), "192.0.2.1")).toMatchObject({ code: "PROOF_WRONG" });
  });
});
