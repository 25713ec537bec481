import { describe, expect, it } from "vitest";
import { MAX_TRANSFERS, Transfers } from "../../../src/boot/transfers.ts";

function full(bytesAfterTenSeconds: (index: number) => number) {
  let nowMs = 0;
  const stopped: number[] = [];
  const transfers = new Transfers(() => nowMs);
  const begun = Array.from({ length: MAX_TRANSFERS }, (_, index) =>
    transfers.begin(undefined, () => stopped.push(index)),
  );
  nowMs = 9_999;
  const busy = expect.objectContaining({ code: "BOOT_BUSY" }) as unknown;
  // Nobody can tell yet which of them is slow.
  expect(() => transfers.begin(undefined, () => undefined)).toThrow(busy);
  nowMs = 10_000;
  for (const [index, one] of begun.entries()) one.took(bytesAfterTenSeconds(index));
  return { transfers, stopped, busy: busy as Error };
}

describe("as many transfers as there may be", () => {
  it("keep another one out while all of them get on", () => {
    const { transfers, stopped, busy } = full(() => 640_000);
    expect(() => transfers.begin(undefined, () => undefined)).toThrow(busy);
    expect([transfers.size, stopped]).toEqual([MAX_TRANSFERS, []]);
  });

  it("make room for others, the slowest first, down to those that get on", () => {
    const { transfers, stopped, busy } = full((index) => (index === 7 ? 10 : index === 3 ? 500_000 : 640_000));
    transfers.begin(undefined, () => undefined);
    transfers.begin(undefined, () => undefined);
    expect(stopped).toEqual([7, 3]);
    expect(() => transfers.begin(undefined, () => undefined)).toThrow(busy);
    expect(transfers.size).toBe(MAX_TRANSFERS);
  });

  it("make room where one has ended, and none twice", () => {
    const transfers = new Transfers(() => 0);
    const begun = Array.from({ length: MAX_TRANSFERS }, () => transfers.begin(undefined, () => undefined));
    begun[0]?.end();
    begun[0]?.end();
    transfers.begin(undefined, () => undefined);
    expect(transfers.size).toBe(MAX_TRANSFERS);
  });

  it("give one who holds fewer of them the place of one who holds most, until each has as many", () => {
    let nowMs = 0;
    const stopped: string[] = [];
    const transfers = new Transfers(() => nowMs);
    const begin = (source: string | undefined): void =>
      transfers.begin(source, () => stopped.push(source ?? "")).took(10_000_000);
    for (let index = 0; index < MAX_TRANSFERS; index += 1) begin("greedy");
    nowMs = 11_000;
    const busy = expect.objectContaining({ code: "BOOT_BUSY" }) as Error;
    // Who it is cannot be told through the tunnel: such a one takes nobody's place, and nobody takes its own.
    expect(() => begin(undefined)).toThrow(busy);
    expect(() => begin("greedy")).toThrow(busy);
    for (let index = 0; index < MAX_TRANSFERS / 2; index += 1) begin("other");
    expect(stopped).toEqual(Array.from({ length: MAX_TRANSFERS / 2 }, () => "greedy"));
    expect(() => begin("other")).toThrow(busy);
    begin("third");
    expect(transfers.size).toBe(MAX_TRANSFERS);
    expect(stopped).toHaveLength(MAX_TRANSFERS / 2 + 1);
  });
});
