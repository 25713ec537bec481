import { describe, expect, it } from "vitest";
import { createWorkQueue } from "../../../src/controller/work-queue.ts";

function timers() {
  const due: { run: () => void; delayMs: number }[] = [];
  return {
    due,
    setTimer: (run: () => void, delayMs: number) => {
      due.push({ run, delayMs });
      return { unref: () => undefined };
    },
  };
}

async function settle(): Promise<void> {
  await new Promise(setImmediate);
}

describe("work queue", () => {
  it("works on a key once, however often it is added while it waits", async () => {
    const done: string[] = [];
    const clock = timers();
    const queue = createWorkQueue({
      work: async (key) => void done.push(key),
      onFailure: () => undefined,
      random: () => 0.5,
      setTimer: clock.setTimer,
    });
    for (const key of ["a", "b", "a", "b", "a"]) queue.add(key);
    await settle();
    // The first was taken up at once, so that its second mention is new work.
    expect(done).toEqual(["a", "b", "a"]);
  });

  it("tries again, later each time, and from the beginning after a success", async () => {
    let failing = true;
    const failures: string[] = [];
    const clock = timers();
    const queue = createWorkQueue({
      async work() {
        if (failing) throw new Error("not yet");
      },
      onFailure: (key) => void failures.push(key),
      random: () => 0.5,
      setTimer: clock.setTimer,
    });
    queue.add("a");
    await settle();
    clock.due[0]?.run();
    await settle();
    clock.due[1]?.run();
    await settle();
    expect(clock.due.map((one) => one.delayMs)).toEqual([200, 400, 800]);
    failing = false;
    clock.due[2]?.run();
    await settle();
    failing = true;
    queue.add("a");
    await settle();
    expect(clock.due.at(-1)?.delayMs).toBe(200);
    expect(failures).toEqual(["a", "a", "a", "a"]);
  });

  it("never waits longer than 45 seconds", async () => {
    const clock = timers();
    const queue = createWorkQueue({
      work: async () => Promise.reject(new Error("never")),
      onFailure: () => undefined,
      random: () => 1,
      setTimer: clock.setTimer,
    });
    queue.add("a");
    for (let count = 0; count < 20; count += 1) {
      await settle();
      clock.due.at(-1)?.run();
    }
    expect(Math.max(...clock.due.map((one) => one.delayMs))).toBe(45_000);
  });

  it("does nothing after it was stopped", async () => {
    const done: string[] = [];
    const queue = createWorkQueue({
      work: async (key) => void done.push(key),
      onFailure: () => undefined,
      random: () => 0,
      setTimer: timers().setTimer,
    });
    queue.stop();
    queue.add("a");
    await settle();
    expect(done).toEqual([]);
  });
});
