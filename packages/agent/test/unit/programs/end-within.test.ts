import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { endWithin } from "../../../src/programs/index.ts";
import { EXITED, stuckProgram } from "./stuck-program.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it("kills what is late, and gives it up where it does not end even so", async () => {
  const { done, running } = stuckProgram();
  const ending = endWithin(running, { timeoutMs: 1_000, killedMs: 500 });
  vi.advanceTimersByTime(999);
  expect(done).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(done).toEqual(["SIGKILL"]);
  vi.advanceTimersByTime(500);
  expect(await ending).toBeUndefined();
  expect(done).toEqual(["SIGKILL", "abandoned"]);
});

it("kills with the signal, also one that was given before", async () => {
  const given = new AbortController();
  const { done, running, end } = stuckProgram();
  const ending = endWithin(running, { timeoutMs: 60_000, signal: given.signal });
  given.abort();
  expect(done).toEqual(["SIGKILL"]);
  end();
  expect(await ending).toEqual(EXITED);
  const late = stuckProgram();
  void endWithin(late.running, { timeoutMs: 60_000, signal: given.signal });
  expect(late.done).toEqual(["SIGKILL"]);
});

it("leaves alone what has ended in time", async () => {
  const { done, running, end } = stuckProgram();
  const ending = endWithin(running, { timeoutMs: 1_000 });
  end();
  expect(await ending).toEqual(EXITED);
  vi.advanceTimersByTime(60_000);
  expect(done).toEqual([]);
});
