import { describe, expect, it } from "vitest";

import { startCourse } from "../../../src/registration/course.ts";

const forever = (): Promise<never> => new Promise(() => undefined);
const ignore = (): void => undefined;

describe("startCourse", () => {
  it("tells each step and gives what it gave", async () => {
    const steps: string[] = [];
    const signal = new AbortController().signal;
    const course = startCourse({ signal, timeoutMs: 10_000, onStep: (step) => steps.push(step) });
    expect(await course.run("trust", async () => 1)).toBe(1);
    await expect(course.run("connect", () => Promise.reject(new TypeError("x")))).rejects.toThrow(TypeError);
    expect(steps).toEqual(["trust", "connect"]);
  });

  it("gives up a step that has its own limit, and ends the work's signal but not the whole", async () => {
    const course = startCourse({ signal: new AbortController().signal, timeoutMs: 10_000, onStep: ignore });
    let seen: AbortSignal | undefined;
    const step = course.run(
      "connect",
      (signal) => {
        seen = signal;
        return forever();
      },
      20,
    );
    await expect(step).rejects.toMatchObject({ code: "REGISTRATION_TIMED_OUT", details: { step: "connect" } });
    expect(seen?.aborted).toBe(true);
    expect(course.signal.aborted).toBe(false);
  });

  it("gives up when the time for all of it is over, whatever step it is at", async () => {
    const course = startCourse({ signal: new AbortController().signal, timeoutMs: 30, onStep: ignore });
    const step = course.run("config", forever, 10_000);
    await expect(step).rejects.toMatchObject({ code: "REGISTRATION_TIMED_OUT", details: { step: "config" } });
    await expect(course.run("config", forever)).rejects.toMatchObject({ code: "REGISTRATION_TIMED_OUT" });
  });

  it("is broken off by the user, which is no time-out", async () => {
    const controller = new AbortController();
    const course = startCourse({ signal: controller.signal, timeoutMs: 10_000, onStep: ignore });
    const step = course.run("challenge", forever);
    controller.abort();
    await expect(step).rejects.toMatchObject({ code: "REGISTRATION_INTERRUPTED", failure: "interrupted" });
    await expect(course.run("config", forever)).rejects.toMatchObject({ code: "REGISTRATION_INTERRUPTED" });
  });
});
