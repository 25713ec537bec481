import { describe, expect, it } from "vitest";
import { MAX_TRANSFERS, Transfers } from "../../../src/boot/transfers.ts";

function full(bytesAfterTenSeconds: (index: number) => number) {
  let nowMs = 0;
  const stopped: number[] = [];
  const transfers = new Transfers(() => nowMs);
  const begun = Array.from({ length: MAX_TRANSFERS }, (_, index) => transfers.begin(() => stopped.push(index)));
  nowMs = 9_999;
  const busy = expect.objectContaining({ code: "BOOT_BUSY" }) as unknown;
  // Nobody can tell yet which of them is slow.
  expect(() => transfers.begin(() => undefined)).toThrow(busy);
  nowMs = 10_000;
  for (const [index, one] of begun.entries()) one.took(bytesAfterTenSeconds(index));
  return { transfers, stopped, busy: busy as Error };
}

describe("as many transfers as there may be", () => {
  it("keep another one out while all of them get on", () => {
    const { transfers, stopped, busy } = full(() => 640_000);
    expect(() => transfers.begin(() => undefined)).toThrow(busy);
    expect([transfers.size, stopped]).toEqual([MAX_TRANSFERS, []]);
  });

  it("make room for others, the slowest first, down to those that get on", () => {
    const { transfers, stopped, busy } = full((index) => (index === 7 ? 10 : index === 3 ? 500_000 : 640_000));
    transfers.begin(() => undefined);
    transfers.begin(() => undefined);
    expect(stopped).toEqual([7, 3]);
    expect(() => transfers.begin(() => undefined)).toThrow(busy);
    expect(transfers.size).toBe(MAX_TRANSFERS);
  });

  it("make room where one has ended, and none twice", () => {
    const transfers = new Transfers(() => 0);
    const begun = Array.from({ length: MAX_TRANSFERS }, () => transfers.begin(() => undefined));
    begun[0]?.end();
    begun[0]?.end();
    transfers.begin(() => undefined);
    expect(transfers.size).toBe(MAX_TRANSFERS);
  });
});
