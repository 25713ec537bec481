import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { endWithin, type ProgramEnding } from "../../../src/programs/index.ts";

const EXITED: ProgramEnding = { kind: "exited", exitCode: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function program() {
  const done: string[] = [];
  const { promise: ending, resolve } = Promise.withResolvers<ProgramEnding>();
  const running = {
    ending,
    kill: (signal: string) => void done.push(signal),
    abandon: () => void done.push("abandoned"),
  };
  return { done, running, end: () => resolve(EXITED) };
}

it("kills what is late, and gives it up where it does not end even so", async () => {
  const { done, running } = program();
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
  const { done, running, end } = program();
  const ending = endWithin(running, { timeoutMs: 60_000, signal: given.signal });
  given.abort();
  expect(done).toEqual(["SIGKILL"]);
  end();
  expect(await ending).toEqual(EXITED);
  const late = program();
  void endWithin(late.running, { timeoutMs: 60_000, signal: given.signal });
  expect(late.done).toEqual(["SIGKILL"]);
});

it("leaves alone what has ended in time", async () => {
  const { done, running, end } = program();
  const ending = endWithin(running, { timeoutMs: 1_000 });
  end();
  expect(await ending).toEqual(EXITED);
  vi.advanceTimersByTime(60_000);
  expect(done).toEqual([]);
});
