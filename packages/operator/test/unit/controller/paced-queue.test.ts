import { describe, expect, it } from "vitest";
import { createPacedQueue, type PacedQueue } from "../../../src/controller/paced-queue.ts";

interface Course {
  readonly queue: PacedQueue;
  readonly begun: { readonly key: string; readonly atMs: number }[];
  readonly failures: string[];
  /** Lets the time pass, one timer after the other. */
  readonly pass: (ms: number) => Promise<void>;
}

class Refused extends Error {}

function course(work: (key: string) => Promise<void> = async () => undefined): Course {
  let nowMs = 0;
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>();
  const begun: { key: string; atMs: number }[] = [];
  const failures: string[] = [];
  const queue = createPacedQueue({
    delaysMs: { prompt: 500, later: 15_000 },
    intervalMs: 50,
    async work(key) {
      begun.push({ key, atMs: nowMs });
      await work(key);
    },
    onFailure: (key) => void failures.push(key),
    isKeysOwn: (error) => error instanceof Refused,
    nowMs: () => nowMs,
    random: () => 0.5,
    setTimer(run, delayMs) {
      const timer = { atMs: nowMs + delayMs, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  });
  return {
    queue,
    begun,
    failures,
    async pass(ms) {
      const endMs = nowMs + ms;
      for (;;) {
        const [first] = [...timers].sort((a, b) => a.atMs - b.atMs);
        if (first === undefined || first.atMs > endMs) break;
        nowMs = first.atMs;
        timers.delete(first);
        first.run();
        for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
      }
      nowMs = endMs;
    },
  };
}

describe("paced queue", () => {
  it("begins a lane's delay after the adding, and works on a key once however often it is added", async () => {
    const { queue, begun, pass } = course();
    queue.add("a", "later");
    await pass(10_000);
    queue.add("a", "later");
    queue.add("b", "prompt");
    await pass(60_000);
    expect(begun).toEqual([
      { key: "b", atMs: 10_500 },
      { key: "a", atMs: 15_000 },
    ]);
    expect(queue.size).toBe(0);
  });

  it("never begins more than its pace, and lets what is prompt pass ten thousand that have time", async () => {
    const { queue, begun, pass } = course();
    for (let at = 0; at < 10_000; at += 1) queue.add(`m${at}`, "later");
    await pass(20_000);
    expect(begun).toHaveLength(101);
    queue.add("approved", "prompt");
    await pass(1_000);
    expect(begun.find(({ key }) => key === "approved")?.atMs).toBeLessThanOrEqual(20_550);
    await pass(600_000);
    expect(begun).toHaveLength(10_001);
    const gaps = begun.slice(1).map(({ atMs }, at) => atMs - (begun[at]?.atMs ?? 0));
    expect(Math.min(...gaps)).toBe(50);
  });

  it("is sooner for what was to be later, and never for what was taken back", async () => {
    const { queue, begun, pass } = course();
    queue.add("a", "later");
    queue.add("b", "later");
    queue.add("a", "prompt");
    queue.remove("b");
    expect(queue.size).toBe(1);
    await pass(60_000);
    expect(begun).toEqual([{ key: "a", atMs: 500 }]);
  });

  it("pauses longer each time while the work fails, for all keys, and forgets none", async () => {
    let isDown = true;
    const { queue, begun, failures, pass } = course(async () => {
      if (isDown) throw new Error("no API server");
    });
    for (let at = 0; at < 100; at += 1) queue.add(`m${at}`, "later");
    await pass(60_000);
    expect(begun.slice(0, 4).map(({ atMs }) => atMs)).toEqual([15_000, 16_000, 18_000, 22_000]);
    expect(failures.length).toBeLessThan(8);
    isDown = false;
    begun.length = 0;
    await pass(300_000);
    expect(new Set(begun.map(({ key }) => key)).size).toBe(100);
    expect(begun).toHaveLength(100);
    expect(queue.size).toBe(0);
  });

  it("goes on with the others where the work fails for one key only, however often", async () => {
    const { queue, begun, pass } = course(async (key) => {
      if (key === "bad") throw new Error("a webhook refuses it");
    });
    queue.add("bad", "later");
    await pass(545_000);
    queue.add("good", "prompt");
    await pass(5_000);
    expect(begun.filter(({ key }) => key === "good")).toHaveLength(1);
    expect(queue.load()).toEqual({ depth: 1, failing: 0 });
    await pass(30_000);
    expect(queue.load()).toEqual({ depth: 1, failing: 1 });
    queue.remove("bad");
    expect(queue.load()).toEqual({ depth: 0, failing: 0 });
  });

  it("tries what is refused for one key's own sake ever more seldom, and at once where there is news of it", async () => {
    let isRefused = true;
    const { queue, begun, pass } = course(async () => {
      if (isRefused) throw new Refused();
    });
    queue.add("a", "later");
    await pass(3_600_000);
    // After 1, 2, 4 s and so on, and then every ten minutes; a lane's delay comes on top.
    expect(begun.slice(0, 4).map(({ atMs }) => atMs)).toEqual([15_000, 31_000, 48_000, 67_000]);
    expect(begun).toHaveLength(14);
    expect(queue.load()).toEqual({ depth: 0, failing: 1 });
    isRefused = false;
    queue.add("a", "prompt");
    await pass(3_600_000);
    expect(begun).toHaveLength(15);
    expect(queue.load()).toEqual({ depth: 0, failing: 0 });
  });

  it("goes on with the others, however many are refused for good", async () => {
    const { queue, begun, pass } = course(async (key) => {
      if (key !== "good") throw new Refused();
    });
    for (let at = 0; at < 300; at += 1) queue.add(`bad${at}`, "later");
    queue.add("good", "later");
    await pass(15_000 + 301_000);
    expect(begun.some(({ key }) => key === "good")).toBe(true);
    begun.length = 0;
    await pass(7_200_000);
    queue.add("good", "later");
    await pass(120_000);
    expect(begun.some(({ key }) => key === "good")).toBe(true);
    // In two hours: no more than one in a second, each some sixteen times.
    expect(begun.length).toBeLessThan(300 * 20);
  });

  it("lets no number of them hold up who comes later", async () => {
    const { queue, begun, pass } = course(async (key) => {
      if (key.startsWith("bad")) throw new Refused();
    });
    for (let at = 0; at < 1_000; at += 1) queue.add(`bad${at}`, "later");
    for (let at = 0; at < 1_000; at += 1) queue.add(`good${at}`, "later");
    await pass(15_000 + 160_000);
    expect(new Set(begun.map(({ key }) => key)).size).toBe(2_000);
    await pass(7_200_000);
    begun.length = 0;
    queue.add("new", "later");
    await pass(30_000);
    expect(begun.some(({ key }) => key === "new")).toBe(true);
  });

  it("forgets one that is refused when it is taken back, and all when it ends", async () => {
    const { queue, begun, pass } = course(async () => {
      throw new Refused();
    });
    queue.add("a", "prompt");
    queue.add("b", "prompt");
    // Both were tried, and wait for their pauses to end.
    await pass(1_000);
    queue.remove("a");
    expect(queue.load()).toEqual({ depth: 0, failing: 1 });
    begun.length = 0;
    await pass(60_000);
    expect(new Set(begun.map(({ key }) => key))).toEqual(new Set(["b"]));
    queue.stop();
    begun.length = 0;
    await pass(3_600_000);
    expect(begun).toEqual([]);
  });

  it("does not try again what was taken back during the work, unless it was added once more", async () => {
    const scene = (isAddedAgain: boolean): Course => {
      const made = course(async (key) => {
        made.queue.remove(key);
        if (isAddedAgain && made.begun.length === 1) made.queue.add(key, "prompt");
        throw new Error("it is nonsense");
      });
      return made;
    };
    for (const [isAddedAgain, times] of [
      [false, 1],
      [true, 2],
    ] as const) {
      const { queue, begun, pass } = scene(isAddedAgain);
      queue.add("a", "prompt");
      await pass(600_000);
      expect(begun).toHaveLength(times);
      expect(queue.load()).toEqual({ depth: 0, failing: 0 });
    }
  });

  it("does one thing at a time, and nothing after its end", async () => {
    let finish: () => void = () => undefined;
    const { queue, begun, pass } = course(() => new Promise((resolve) => (finish = resolve)));
    queue.add("slow", "prompt");
    queue.add("next", "prompt");
    await pass(60_000);
    expect(begun.map(({ key }) => key)).toEqual(["slow"]);
    queue.stop();
    finish();
    await pass(60_000);
    queue.add("late", "prompt");
    await pass(60_000);
    expect(begun.map(({ key }) => key)).toEqual(["slow"]);
  });
});
