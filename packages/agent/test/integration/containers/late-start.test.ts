/** Starts of containers whose call takes very long and then fails: what has come of it counts, and the reason is told. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";

import type { ContainerEnding, ContainerSpec } from "@rancheros/agent/containers";
import { containerdDriver } from "../../../src/containers/containerd/containerd-driver.ts";
import { callContainerd } from "../../../src/containers/io/containerd-calls.ts";
import { containerCalls } from "../../../src/containers/io/container-calls.ts";
import { followRecorded } from "../../../src/containers/io/follow-recorded.ts";
import { readInside } from "../../../src/containers/io/read-inside.ts";
import { recorderCommand } from "../../../src/containers/io/recorder-command.ts";
import { runFolder } from "../../../src/containers/io/run-folder.ts";
import { runTool } from "../../../src/containers/io/run-tool.ts";
import { runContainerThrough } from "../../../src/containers/run-container.ts";
import { THIS_PLATFORM } from "../../../../../test/registry/index.ts";
import { useBusybox } from "./use-busybox.ts";

/** That much each call of `ctr run` takes, by the clock of the one who waits for it. */
const LATE_MS = 45_000;

const used = useBusybox("late");

/** @param failing  lines of shell in place of `ctr run`, which has its arguments as "$@"; $ctr is the real one */
async function run(spec: ContainerSpec, failing: string): Promise<{ ending: ContainerEnding; calls: number }> {
  const program = path.join(used().ground.folder, "late-ctr");
  const calls = path.join(used().ground.folder, "calls");
  rmSync(calls, { force: true });
  const shell = `#!/bin/sh\nctr=${used().ground.runtime.program[0]}\ncase " $* " in *" run --detach "*) echo call >> ${calls}; ${failing} ;; esac\nexec $ctr "$@"\n`;
  writeFileSync(program, shell, { mode: 0o755 });
  const count = (): number => (existsSync(calls) ? readFileSync(calls, "utf8").split("\n").length - 1 : 0);
  const { containers, runtime } = used().ground;
  const held = containerCalls(path.join(containers.runFolder, `${spec.name}.calls`));
  const [recorder, platform] = [recorderCommand(), { ...THIS_PLATFORM, variant: undefined }];
  const tools = { callContainerd, followRecorded, readInside, recorder, platform };
  const owned = {
    ...tools,
    runTool: (call: Parameters<typeof runTool>[0]) => runTool({ ...call, heldFile: held.file }),
  };
  const outside = {
    driver: containerdDriver({ ...runtime, program: [program] }, owned),
    folder: runFolder(containers.runFolder, spec.name),
    calls: held,
    makeMountSource: () => Promise.resolve(),
    nowMs: () => performance.now() + count() * LATE_MS,
    sleep: (delayMs: number) => sleep(delayMs),
  };
  const signal = new AbortController().signal;
  const ending = await runContainerThrough(outside, { spec, deadlineMs: 600_000, signal });
  return { ending, calls: count() };
}

/** Writes down that it ran. */
function specOf(name: string): { readonly spec: ContainerSpec; readonly log: () => string } {
  const hostRoot = path.join(used().ground.folder, name);
  mkdirSync(hostRoot);
  const args = ["echo ran >> /host/log; sleep 2; exit 7"];
  const spec = { name: `ros-agent-${name}`, run: "1", image: used().image, hostRoot, command: ["/bin/sh", "-c"], args };
  return { spec, log: () => readFileSync(path.join(hostRoot, "log"), "utf8") };
}

describe("a start that takes long and fails in the end", () => {
  it("is watched where the container runs after all, and is not blamed on its name", async () => {
    const { spec, log } = specOf("runs");
    const { ending } = await run(spec, `$ctr "$@"; echo "ctr: context deadline exceeded" >&2; exit 1`);
    expect(ending).toMatchObject({ kind: "exited", exitCode: 7 });
    expect(log()).toBe("ran\n");
  });

  it("is made anew where its name was taken for so long, and is not given up at once", async () => {
    const { spec, log } = specOf("again");
    const once = path.join(used().ground.folder, "once");
    const failing = `if [ ! -e ${once} ]; then : > ${once}; echo "ctr: mkdir: file exists" >&2; exit 1; fi`;
    expect(await run(spec, failing)).toMatchObject({ ending: { kind: "exited", exitCode: 7 }, calls: 2 });
    expect(log()).toBe("ran\n");
  });

  it("tells in the runtime's words why its name does not become free", async () => {
    const { spec } = specOf("taken");
    const failing = `echo "ctr: mkdir /run/x: file exists" >&2; exit 1`;
    await expect(run(spec, failing)).rejects.toMatchObject({
      code: "CONTAINER_LEFT_BEHIND",
      message: expect.stringContaining("mkdir /run/x: file exists") as string,
    });
  });

  it("is told as what it is where it fails otherwise", async () => {
    const { spec } = specOf("fails");
    const failing = `echo "ctr: context deadline exceeded" >&2; exit 1`;
    await expect(run(spec, failing)).rejects.toMatchObject({
      code: "CONTAINER_RUNTIME_FAILED",
      message: expect.stringContaining("context deadline exceeded") as string,
    });
  });
});
