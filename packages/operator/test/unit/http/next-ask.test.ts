import { describe, expect, it } from "vitest";

import { nextAskInSeconds, PENDING_ASKS_PER_SECOND } from "../../../src/http/protocol-parts.ts";

const earliest = (): Buffer => Buffer.alloc(4);
const registration = (reportInterval: string) => ({
  metadata: { name: "r", namespace: "n", uid: "u", resourceVersion: "1" },
  spec: { reportInterval },
});

describe("nextAskInSeconds", () => {
  it.each([
    { pending: 1, first: 3, last: 5 },
    { pending: 60, first: 3, last: 5 },
    { pending: 400, first: 20, last: 30 },
    { pending: 10_000, first: 60, last: 90 },
  ])("spreads $pending machines that wait", ({ pending, first, last }) => {
    const asked = Array.from({ length: 200 }, (_, turn) =>
      nextAskInSeconds("Pending", undefined, pending, (bytes) => {
        const random = Buffer.alloc(bytes);
        random.writeUInt32BE(turn);
        return random;
      }),
    );
    expect([Math.min(...asked), Math.max(...asked)]).toEqual([first, last]);
    const perSecond = pending / (asked.reduce((sum, one) => sum + one, 0) / asked.length);
    expect(perSecond).toBeLessThan(pending <= 1_200 ? PENDING_ASKS_PER_SECOND + 1 : pending / 60);
  });

  it("lets nobody report more often than once a minute, or less often than once a day", () => {
    expect(nextAskInSeconds("Approved", registration("10s"), 0, earliest)).toBe(60);
    expect(nextAskInSeconds("Approved", registration("5m"), 0, earliest)).toBe(300);
    expect(nextAskInSeconds("Approved", registration("25h"), 0, earliest)).toBe(86_400);
    expect(nextAskInSeconds("Approved", undefined, 0, earliest)).toBe(600);
  });
});
