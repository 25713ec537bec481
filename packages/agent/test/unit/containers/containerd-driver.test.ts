/** A ctr that misses the end of the task that it is to remove: it waits for ever, and is asked anew. */
import { describe, expect, it } from "vitest";

import { containerdDriver } from "../../../src/containers/containerd/containerd-driver.ts";
import type { ContainerdAnswer } from "../../../src/containers/io/containerd-calls.ts";
import type { ToolCall, ToolOutcome } from "../../../src/containers/io/run-tool.ts";

const NAME = "ros-agent-upgrade";
const ok = (stdout = ""): ToolOutcome => ({ kind: "ok", stdout: Buffer.from(stdout), stderr: "" });
/** Of containerd's API: a task that was made. */
const CREATED: ContainerdAnswer = { kind: "ok", message: Buffer.from("0a022001", "hex") };
const RUNNING: ContainerdAnswer = { kind: "ok", message: Buffer.from("0a022002", "hex") };
const BUSY: ContainerdAnswer = { kind: "refused", status: 4, words: "context deadline exceeded" };
const unused = (): never => {
  throw new Error("is not used");
};

/** @returns the driver, and each `tasks rm` by how long it was waited for; all before the last of them hang */
function driverWith(hangs: number, last: ToolOutcome, task: ContainerdAnswer = CREATED) {
  const removals: number[] = [];
  const steps: string[] = [];
  const driver = containerdDriver(
    { kind: "containerd", origin: "set", program: ["ctr"], socket: "/s", namespace: "n", snapshotter: undefined },
    {
      runTool: async ({ args, timeoutMs }: ToolCall) => {
        const words = args.slice(4).join(" ");
        steps.push(words);
        if (words !== `tasks rm --force ${NAME}`) return ok();
        removals.push(timeoutMs);
        return removals.length <= hangs ? { kind: "timed-out", timeoutMs } : last;
      },
      callContainerd: () => Promise.resolve({ kind: "answered", answers: [task] }),
      followRecorded: unused,
      readInside: unused,
      recorder: ["", ""],
      platform: { os: "linux", architecture: "amd64", variant: undefined },
    },
  );
  return { driver, removals, steps };
}

describe("a container whose task was made and never started", () => {
  it.each<[string, number, ToolOutcome, number[]]>([
    ["at once", 0, ok(), [15_000]],
    ["when it is asked anew", 1, ok(), [15_000, 15_000]],
    ["with all patience in the end", 2, ok(), [15_000, 15_000, 600_000]],
    [
      "where the call that hung has done it after all",
      1,
      { kind: "failed", exitCode: 1, stdout: Buffer.alloc(0), stderr: "no running task found: task not found" },
      [15_000, 15_000],
    ],
  ])("is removed %s, and then what the task was of", async (_, hangs, last, expected) => {
    const { driver, removals, steps } = driverWith(hangs, last);
    await driver.remove(NAME);
    expect(removals).toEqual(expected);
    expect(steps.slice(expected.length)).toEqual([`containers rm ${NAME}`, `snapshots rm ${NAME}`]);
  });

  it("stays, and says so, where its task does not go", async () => {
    const { driver, removals, steps } = driverWith(3, ok());
    await expect(driver.remove(NAME)).rejects.toMatchObject({ code: "CONTAINER_TIMED_OUT" });
    expect(removals).toHaveLength(3);
    expect(steps).toHaveLength(3);
  });
});

describe("a container that is at work", () => {
  it.each([
    ["as containerd says", RUNNING],
    ["as nobody can say otherwise at this moment", BUSY],
  ])("is not removed, %s", async (_, task) => {
    const { driver, steps } = driverWith(0, ok(), task);
    await expect(driver.remove(NAME)).rejects.toMatchObject({ code: "CONTAINER_LEFT_BEHIND" });
    expect(steps).toEqual([]);
  });
});
