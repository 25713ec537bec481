import { describe, expect, it } from "vitest";
import { RegistryError } from "../../../src/registry/index.ts";
import { KubernetesError } from "../../../src/controller/index.ts";
import { createWorkQueue } from "../../../src/controller/work-queue.ts";

/** Timers that go off when they are told to. */
function timers() {
  const pending: { run: () => void }[] = [];
  const delaysMs: number[] = [];
  return {
    pending,
    delaysMs,
    fire: () => pending.shift()?.run(),
    setTimer: (run: () => void, delayMs: number) => {
      const timer = { run };
      pending.push(timer);
      delaysMs.push(delayMs);
      return () => {
        const at = pending.indexOf(timer);
        if (at !== -1) pending.splice(at, 1);
      };
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
    clock.fire();
    await settle();
    clock.fire();
    await settle();
    expect(clock.delaysMs).toEqual([200, 400, 800]);
    failing = false;
    clock.fire();
    await settle();
    failing = true;
    queue.add("a");
    await settle();
    expect(clock.delaysMs.at(-1)).toBe(200);
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
      clock.fire();
    }
    expect(Math.max(...clock.delaysMs)).toBe(45_000);
  });

  it.each([
    [422, 600_000],
    [403, 30_000],
  ])(
    "waits for minutes where the API server calls an object invalid, and no longer than for its change (%i)",
    async (...given) => {
      const [httpStatus, longestMs] = given;
      const clock = timers();
      let tries = 0;
      const queue = createWorkQueue({
        work() {
          tries += 1;
          return Promise.reject(
            new KubernetesError("KUBERNETES_REFUSED", "spec: Invalid value", { details: { httpStatus } }),
          );
        },
        onFailure: () => undefined,
        random: () => 0.5,
        setTimer: clock.setTimer,
      });
      queue.add("a");
      for (let turn = 0; turn < 20; turn += 1) {
        await settle();
        clock.fire();
      }
      await settle();
      expect(clock.delaysMs.at(-1)).toBe(longestMs);
      expect([tries, queue.load().failing]).toEqual([21, 1]);
      queue.add("a");
      await settle();
      expect(tries).toBe(22);
    },
  );

  it("has one retry for a key, however often the key fails in the meantime", async () => {
    const clock = timers();
    const queue = createWorkQueue({
      work: async () => Promise.reject(new Error("never")),
      onFailure: () => undefined,
      random: () => 0.5,
      setTimer: clock.setTimer,
    });
    for (let count = 0; count < 100; count += 1) {
      queue.add("a");
      await settle();
    }
    expect(clock.pending).toHaveLength(1);
    queue.stop();
    expect(clock.pending).toHaveLength(0);
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

  it("comes back when the failure says so, and not sooner", async () => {
    const clock = timers();
    const wanted = [{ afterMs: 600_000 }, { afterMs: 86_400_000 }, "backoff"] as const;
    const left = [...wanted];
    const queue = createWorkQueue({
      async work() {
        const retry = left.shift() ?? "backoff";
        throw new RegistryError("REGISTRY_BUSY", "busy", { retry });
      },
      onFailure: () => undefined,
      wantedMs: (error) =>
        error instanceof RegistryError && typeof error.retry === "object" ? error.retry.afterMs : 0,
      random: () => 0,
      setTimer: clock.setTimer,
    });
    queue.add("a");
    await settle();
    for (const _ of wanted) {
      clock.fire();
      await settle();
    }
    expect(clock.delaysMs.slice(0, 2)).toEqual([600_000, 3_600_000]);
    expect(clock.delaysMs[2]).toBeLessThan(30_000);
  });

  it("counts as no failure what waits for others, and looks at it again after ever longer pauses, up to a quarter of an hour", async () => {
    const awaited = new Error("others have to act");
    let error: Error | undefined = awaited;
    const clock = timers();
    const queue = createWorkQueue({
      async work() {
        if (error !== undefined) throw error;
      },
      onFailure: () => undefined,
      awaitedMs: (one) => (one === awaited ? 600_000 : undefined),
      random: () => 1,
      setTimer: clock.setTimer,
    });
    queue.add("a");
    for (let count = 0; count < 20; count += 1) {
      await settle();
      expect(queue.load().failing).toBe(0);
      clock.fire();
    }
    await settle();
    expect(clock.delaysMs.slice(0, 3)).toEqual([300, 600, 1_200]);
    expect(Math.max(...clock.delaysMs)).toBe(900_000);
    error = new Error("a failure");
    clock.fire();
    await settle();
    expect(queue.load().failing).toBe(1);
    expect(clock.delaysMs.at(-1)).toBeLessThanOrEqual(45_000);
    error = undefined;
    clock.fire();
    await settle();
    expect(queue.load().failing).toBe(0);
  });
});
