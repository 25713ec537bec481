/** Containers whose end no agent has seen: what they have done is not done again. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

import type { ContainerRuntime, ContainerSpec } from "@rancheros/agent/containers";
import type { AgentOrder } from "../../../../../test/containerd/agent-process.ts";
import { useBusybox } from "./use-busybox.ts";

const AGENT = fileURLToPath(new URL("../../../../../test/containerd/agent-process.ts", import.meta.url));

const used = useBusybox("unseen");

function agent(spec: ContainerSpec, runtime: ContainerRuntime = used().ground.runtime): ReturnType<typeof spawn> {
  const order: AgentOrder = { runtime, runFolder: used().ground.containers.runFolder, work: { kind: "run", spec } };
  return spawn(process.execPath, [AGENT, JSON.stringify(order)], { stdio: ["ignore", "pipe", "inherit"] });
}

async function runToTheEnd(spec: ContainerSpec): Promise<unknown> {
  const last = agent(spec);
  const [printed] = await Promise.all([text(last.stdout!), once(last, "exit")]);
  return JSON.parse(printed);
}

/** It ends when it may, and writes down that it began and that it ended. */
function gatedSpec(name: string): { readonly spec: ContainerSpec; readonly host: (file: string) => string } {
  const hostRoot = path.join(used().ground.folder, name);
  mkdirSync(hostRoot);
  const script =
    "echo begin >> /host/log; while [ ! -e /host/gate ]; do sleep 0.05; done; echo said; echo end >> /host/log; exit 7";
  const spec = {
    name: `ros-agent-${name}`,
    run: "1",
    image: used().image,
    hostRoot,
    command: ["/bin/sh", "-c"],
    args: [script],
  };
  return { spec, host: (file) => path.join(hostRoot, file) };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(10);
}

function holds(file: string, word: string): boolean {
  return existsSync(file) && readFileSync(file, "utf8").includes(word);
}

/** Its agent is killed while it runs. */
async function leaveRunning(spec: ContainerSpec, host: (file: string) => string): Promise<void> {
  const running = agent(spec);
  const ended = once(running, "exit");
  await until(() => holds(host("log"), "begin"));
  // The call that has started it is over as well.
  while (!(await used().ground.containerd.ctr("tasks", "ls")).includes("RUNNING")) await sleep(10);
  running.kill("SIGKILL");
  await ended;
}

describe("a container whose end no agent has seen", () => {
  it("is lost where containerd was away at that moment, and is not run a second time", async () => {
    const { spec, host } = gatedSpec("restarted");
    await leaveRunning(spec, host);
    await used().ground.containerd.kill();
    writeFileSync(host("gate"), "");
    await until(() => holds(host("log"), "end"));
    await sleep(500);
    await used().ground.containerd.start();
    expect(await runToTheEnd(spec)).toMatchObject({ kind: "lost", takenOver: true, lastLines: ["said"] });
    expect(readFileSync(host("log"), "utf8")).toBe("begin\nend\n");
  });

  it("is lost where somebody has removed its task, and is not run a second time", async () => {
    const { spec, host } = gatedSpec("removed");
    await leaveRunning(spec, host);
    await used().ground.containerd.ctr("tasks", "rm", "--force", spec.name);
    expect(await runToTheEnd(spec)).toMatchObject({ kind: "lost", takenOver: true });
    expect(readFileSync(host("log"), "utf8")).toBe("begin\n");
  });

  it("ended with what containerd has told an agent that was killed before it could use that", async () => {
    const { spec, host } = gatedSpec("told");
    const { program, ...runtime } = used().ground.runtime;
    // Its ctr kills it as soon as containerd has told how the container ended, and forgotten it.
    const killing = path.join(used().ground.folder, "killing-ctr");
    const pidFile = path.join(used().ground.folder, "agent-pid");
    const lines = [
      "#!/bin/sh",
      `case " $* " in *" tasks rm "*) ${program[0]} "$@"; kill -9 "$(cat ${pidFile})"; exit 1 ;; esac`,
      `exec ${program[0]} "$@"`,
    ];
    writeFileSync(killing, `${lines.join("\n")}\n`, { mode: 0o755 });
    const killed = agent(spec, { ...runtime, program: [killing] });
    writeFileSync(pidFile, `${killed.pid}\n`);
    const ended = once(killed, "exit");
    await until(() => holds(host("log"), "begin"));
    writeFileSync(host("gate"), "");
    expect(await ended).toEqual([null, "SIGKILL"]);
    expect(await used().ground.containerd.ctr("tasks", "ls")).not.toContain(spec.name);
    expect(await runToTheEnd(spec)).toMatchObject({ kind: "exited", exitCode: 7, takenOver: true });
    expect(readFileSync(host("log"), "utf8")).toBe("begin\nend\n");
  });
});
