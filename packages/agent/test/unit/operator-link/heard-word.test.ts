import type { UpgradeStatus } from "@rancheros/protocol/upgrade";
import { describe, expect, it } from "vitest";

import { HeardWord } from "../../../src/operator-link/index.ts";

function word(phase: UpgradeStatus["phase"], attempt = 1): UpgradeStatus {
  const nothing = { reason: undefined, message: undefined, digest: undefined, bootId: "b" };
  return { protocol: 2, plan: "ab".repeat(32), image: "os", attempt, phase, ...nothing };
}

async function isOver(waiting: Promise<void>): Promise<boolean> {
  return Promise.race([waiting.then(() => true), new Promise<false>((resolve) => setImmediate(() => resolve(false)))]);
}

const never = new AbortController().signal;

describe("what the operator has heard last", () => {
  it("is waited for until it is the phase of this attempt", async () => {
    const heard = new HeardWord();
    heard.note(word("Failed", 1));
    const waiting = heard.untilItIs(() => word("Failed", 2), never);
    expect(await isOver(waiting)).toBe(false);
    heard.note(word("Verifying", 2));
    expect(await isOver(waiting)).toBe(false);
    heard.note(word("Failed", 2));
    expect(await isOver(waiting)).toBe(true);
  });

  it("may have been heard before somebody waits", async () => {
    const heard = new HeardWord();
    heard.note(word("Succeeded"));
    expect(await isOver(heard.untilItIs(() => word("Succeeded"), never))).toBe(true);
  });

  it("is waited for no longer than the signal lets", async () => {
    const over = new AbortController();
    const waiting = new HeardWord().untilItIs(() => word("Succeeded"), over.signal);
    expect(await isOver(waiting)).toBe(false);
    over.abort();
    expect(await isOver(waiting)).toBe(true);
  });
});
