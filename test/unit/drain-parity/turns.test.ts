/** Only so many at one time, but for those who sleep. */
import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createTurns } from "../../drain-parity/turns.ts";

describe("turns", () => {
  it("are taken by so many at one time, in the order in which they were asked for", async () => {
    const inTurn = createTurns(2);
    const began: number[] = [];
    let now = 0;
    let most = 0;
    const work = (index: number) =>
      inTurn(async () => {
        began.push(index);
        now += 1;
        most = Math.max(most, now);
        await setImmediate();
        now -= 1;
        return index;
      });
    expect(await Promise.all([0, 1, 2, 3, 4].map(work))).toEqual([0, 1, 2, 3, 4]);
    expect(began).toEqual([0, 1, 2, 3, 4]);
    expect(most).toBe(2);
  });

  it("are given back once, by who sleeps or by who fails", async () => {
    const inTurn = createTurns(1);
    let wake = (): void => undefined;
    const sleeper = inTurn((giveBack) => {
      giveBack();
      giveBack();
      return new Promise<void>((resolve) => (wake = resolve));
    });
    let atOneTime = 0;
    const work = () =>
      inTurn(async () => {
        atOneTime += 1;
        await setImmediate();
        expect(atOneTime).toBe(1);
        atOneTime -= 1;
        throw new Error("broken");
      });
    const endings = await Promise.allSettled([work(), work(), work()]);
    expect(endings.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(endings.every((one) => one.status === "rejected" && String(one.reason) === "Error: broken")).toBe(true);
    wake();
    await sleeper;
  });
});
