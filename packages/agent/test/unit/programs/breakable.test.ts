import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { breakable } from "../../../src/programs/index.ts";
import { EXITED, stuckProgram } from "./stuck-program.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it("asks, kills, and gives up, each in its time, once", async () => {
  const { done, running } = stuckProgram();
  const { ending, breakOff } = breakable(running, { termMs: 500, killedMs: 30_000 });
  breakOff();
  breakOff();
  expect(done).toEqual(["SIGTERM"]);
  vi.advanceTimersByTime(500);
  expect(done).toEqual(["SIGTERM", "SIGKILL"]);
  vi.advanceTimersByTime(29_999);
  expect(done).toHaveLength(2);
  vi.advanceTimersByTime(1);
  expect(await ending).toBeUndefined();
  expect(done).toEqual(["SIGTERM", "SIGKILL", "abandoned"]);
});

it("kills at once where nothing is to be asked, and tells how it ended in time", async () => {
  const { done, running, end } = stuckProgram();
  const { ending, breakOff } = breakable(running, { termMs: 0, killedMs: 30_000 });
  breakOff();
  end();
  expect(await ending).toEqual(EXITED);
  vi.advanceTimersByTime(60_000);
  expect(done).toEqual(["SIGKILL"]);
});

it("leaves alone what has ended, whose process id may be another's by now", async () => {
  const { done, running, end } = stuckProgram();
  const { ending, breakOff } = breakable(running, { termMs: 500, killedMs: 30_000 });
  end();
  expect(await ending).toEqual(EXITED);
  breakOff();
  vi.advanceTimersByTime(60_000);
  expect(done).toEqual([]);
});
