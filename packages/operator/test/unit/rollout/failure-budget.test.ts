/** Of how many machines a percentage in failureBudget is. */
import { describe, expect, it } from "vitest";
import { haltOf, tally, type Seen } from "../../../src/rollout/tally.ts";

const SEEN: Seen = {
  isClaimed: true,
  isCanary: false,
  isDone: false,
  isBroken: false,
  isRefused: false,
  retry: undefined,
};
const AT = "2030-01-01T12:00:00Z";
const PERCENT = { kind: "percent", percent: 10 } as const;

/** Of an image for ten machines, of which so many failed, while others that are not its own any more hold a slot. */
function haltWith(failed: number, strangers: number): string | undefined {
  const counts = { total: 10, done: 0, broken: 0, refused: 0, canaries: 0, canariesDone: 0 };
  const slots = Array.from({ length: strangers }, (_, at) => {
    const machine = `stranger${at}`;
    return { machine, uid: machine, cluster: "c1", attempt: at + 1, plan: "ab".repeat(32), grantedAt: AT };
  });
  const failures = Array.from({ length: failed }, (_, at) => ({
    machine: `m${at}`,
    uid: `m${at}`,
    attempt: 1,
    time: AT,
  }));
  const look = (uid: string): Seen => ({ ...SEEN, isClaimed: !uid.startsWith("stranger") });
  return haltOf(tally(counts, slots, failures, look), PERCENT);
}

describe("a failureBudget of ten per cent", () => {
  it("lets one of ten machines fail", () => {
    expect(haltWith(1, 0)).toBeUndefined();
    expect(haltWith(2, 0)).toBe("2 machines failed, failureBudget allows 1; see status.failures");
  });

  it("is not larger for slots of machines that are another image's now", () => {
    expect(haltWith(1, 100)).toBeUndefined();
    expect(haltWith(2, 100)).toBe("2 machines failed, failureBudget allows 1; see status.failures");
  });
});
