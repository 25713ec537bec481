/** When it is asked where the API server is, and what its answer means. */
import { hasCode } from "@rancheros/protocol/errors";
import { expect, it } from "vitest";
import { createHistoryCheck } from "../../../src/controller/history-check.ts";

function scene(present: string) {
  let [nowMs, asked] = [0, 0];
  const check = createHistoryCheck({
    async present() {
      asked += 1;
      return present;
    },
    steadyMs: () => nowMs,
  });
  return { check, asked: () => asked, pass: (ms: number) => (nowMs += ms) };
}

const wentBack = (error: unknown): boolean => hasCode(error, "KUBERNETES_WENT_BACK");

it("is asked after the watch broke off, and else every five minutes", async () => {
  const { check, asked, pass } = scene("100");
  await check.assertAhead("100");
  expect(asked()).toBe(0);
  check.broke();
  await check.assertAhead("100");
  await check.assertAhead("100");
  expect(asked()).toBe(1);
  pass(299_000);
  await check.assertAhead("99");
  expect(asked()).toBe(1);
  pass(2_000);
  await check.assertAhead("99");
  expect(asked()).toBe(2);
});

it("a list is an answer as well", async () => {
  const { check, asked } = scene("100");
  check.broke();
  check.listed();
  await check.assertAhead("100");
  expect(asked()).toBe(0);
});

it.each([
  ["9", "10", true],
  ["10", "10", false],
  ["11", "10", false],
  ["", "10", false],
  ["10", "", false],
  ["abc", "10", false],
])("where it is at %j and was at %j", async (present, before, isBack) => {
  const { check } = scene(present);
  check.broke();
  const error: unknown = await check.assertAhead(before).catch((reason: unknown) => reason);
  expect(wentBack(error)).toBe(isBack);
});

it("is asked again where it could not be asked", async () => {
  let isAway = true;
  const check = createHistoryCheck({
    present: () => (isAway ? Promise.reject(new Error("away")) : Promise.resolve("1")),
    steadyMs: () => 0,
  });
  check.broke();
  await expect(check.assertAhead("2")).rejects.toThrow("away");
  isAway = false;
  expect(wentBack(await check.assertAhead("2").catch((reason: unknown) => reason))).toBe(true);
});
