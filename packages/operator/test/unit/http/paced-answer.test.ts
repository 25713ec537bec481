/** However many want an answer, and however often: it is asked for once in a while, and never older than the question. */
import { expect, it } from "vitest";
import { pacedAnswer } from "../../../src/http/paced-answer.ts";

const INTERVAL_MS = 1_000;

/** A clock that is moved by hand, and an answer that says which one it is. */
function scene() {
  let nowMs = 5_000;
  let asked = 0;
  const waiting: { readonly atMs: number; readonly wake: () => void }[] = [];
  const clock = {
    nowMs: () => nowMs,
    sleep: async (ms: number) => new Promise<void>((wake) => waiting.push({ atMs: nowMs + ms, wake })),
  };
  const failures = new Set<number>();
  const want = pacedAnswer(INTERVAL_MS, clock, async () => {
    asked += 1;
    if (failures.has(asked)) throw new Error(`no answer ${asked}`);
    return asked;
  });
  return {
    want,
    failures,
    asked: () => asked,
    pass: async (ms: number) => {
      nowMs += ms;
      for (const one of waiting.splice(0)) {
        if (one.atMs <= nowMs) one.wake();
        else waiting.push(one);
      }
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

it("all who wait have one answer, and the first waits for nothing", async () => {
  const { want, asked, pass } = scene();
  const answers = Promise.all(Array.from({ length: 100 }, want));
  await pass(0);
  expect(await answers).toEqual(Array.from({ length: 100 }, () => 1));
  expect(asked()).toBe(1);
});

it("who wants it again sooner waits for the next one, with all others", async () => {
  const { want, asked, pass } = scene();
  const first = want();
  await pass(0);
  expect(await first).toBe(1);
  const soon = want();
  await pass(INTERVAL_MS - 1);
  const sooner = want();
  expect(asked()).toBe(1);
  await pass(1);
  expect([await soon, await sooner]).toEqual([2, 2]);
});

it("who wants it later waits for nothing", async () => {
  const { want, pass } = scene();
  const first = want();
  await pass(0);
  await first;
  await pass(INTERVAL_MS);
  const later = want();
  await pass(0);
  expect(await later).toBe(2);
});

it("one that fails does so for all who waited for it, and for nobody else", async () => {
  const { want, failures, pass } = scene();
  failures.add(1);
  const failed = Promise.allSettled([want(), want()]);
  await pass(0);
  expect((await failed).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  const next = want();
  await pass(INTERVAL_MS);
  expect(await next).toBe(2);
});
