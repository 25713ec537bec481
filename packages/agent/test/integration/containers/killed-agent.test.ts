import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { ContainerSpec } from "@rancheros/agent/containers";
import type { AgentOrder } from "../../../../../test/containerd/agent-process.ts";
import { buildImage, busyboxLayer } from "../../../../../test/registry/index.ts";
import { startImageGround, type ImageGround } from "./image-ground.ts";

const AGENT = fileURLToPath(new URL("../../../../../test/containerd/agent-process.ts", import.meta.url));
const KILLS = 12;
/** Holds seconds: creating and starting a container takes so much longer. */
const slowness = `/tmp/ros-kill-slowness-${process.pid}`;
/** While it is there, runc is not let start what it has made; beside it stands that it was asked to. */
const gate = `/tmp/ros-kill-gate-${process.pid}`;
const asked = `${gate}-asked`;

let ground: ImageGround;
let image: string;

beforeAll(async () => {
  const beforeRunc = [
    `case " $* " in *" create "*|*" start "*) sleep "$(cat ${slowness})" ;; esac`,
    `case " $* " in *" start "*) : > ${asked}; while [ -e ${gate} ]; do sleep 0.05; done ;; esac`,
  ].join("\n");
  slow(0);
  ground = await startImageGround("kill", { beforeRunc });
  image = await ground.push("os/run", buildImage({ layers: [busyboxLayer()] }));
  await ground.pull(image);
});

afterAll(async () => {
  await ground.stop();
  for (const file of [slowness, gate, asked]) rmSync(file, { force: true });
});

function slow(seconds: number): void {
  writeFileSync(slowness, `${seconds}\n`);
}

function agent(work: AgentOrder["work"]): ReturnType<typeof spawn> {
  const { runtime, containers } = ground;
  const order: AgentOrder = { runtime, runFolder: containers.runFolder, work };
  return spawn(process.execPath, [AGENT, JSON.stringify(order)], { stdio: ["ignore", "pipe", "pipe"] });
}

/** A container that leaves a lock where it is ended in the middle, and says so where it finds one. */
function lockingSpec(name: string): { readonly spec: ContainerSpec; readonly log: () => string } {
  const hostRoot = path.join(ground.folder, name);
  mkdirSync(hostRoot);
  const script =
    "mkdir /host/lock || { echo twice >> /host/log; exit 9; }; echo begin >> /host/log; sleep 1; echo end >> /host/log; " +
    "busybox rmdir /host/lock";
  const spec = { name: `ros-agent-${name}`, run: "1", image, hostRoot, command: ["/bin/sh", "-c"], args: [script] };
  return { spec, log: () => readFileSync(path.join(hostRoot, "log"), "utf8") };
}

async function killAfter(spec: ContainerSpec, moment: () => Promise<unknown>): Promise<void> {
  const running = agent({ kind: "run", spec });
  // It may have ended by itself before the kill.
  const ended = once(running, "exit");
  await moment();
  running.kill("SIGKILL");
  await ended;
}

async function runToTheEnd(spec: ContainerSpec): Promise<unknown> {
  const last = agent({ kind: "run", spec });
  const [printed] = await Promise.all([text(last.stdout!), once(last, "exit")]);
  return JSON.parse(printed);
}

async function untilContainerIsThere(name: string): Promise<void> {
  while (!(await ground.containerd.ctr("containers", "ls", "--quiet")).includes(name)) await sleep(10);
}

/** The task is made, and its start is under way; nothing of that is in containerd's list of tasks. */
async function untilStartIsAsked(): Promise<void> {
  while (!existsSync(asked)) await sleep(10);
}

/** As systemd does with whatever is left of a service. */
function killCalls(name: string): void {
  const file = path.join(ground.containers.runFolder, `${name}.calls`);
  for (const pid of readdirSync("/proc").filter((one) => /^\d+$/.test(one))) {
    try {
      if (readlinkSync(`/proc/${pid}/fd/3`) === file) process.kill(Number(pid), "SIGKILL");
    } catch {
      // It has no such descriptor, or is gone.
    }
  }
}

describe("an agent that is killed", () => {
  it("never has the same container run twice at a time, whenever the kill comes", async () => {
    const { spec, log } = lockingSpec("whenever");
    const course: string[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const delayMs = randomInt(150, 1_200);
      const slowMs = randomInt(3) === 0 ? randomInt(50, 500) : 0;
      course.push(`${delayMs} ms (${slowMs} ms slow)`);
      slow(slowMs / 1000);
      await killAfter(spec, () => sleep(delayMs));
    }
    slow(0);
    const where = `killed after ${course.join(", ")}`;
    expect(await runToTheEnd(spec), where).toMatchObject({ kind: "exited", exitCode: 0 });
    expect(log(), where).toMatch(/^(begin\nend\n)+$/);
    expect(await ground.containerd.leftovers()).toEqual([]);
    expect(readdirSync(ground.containers.runFolder)).toEqual([]);
  });

  it("finds the container that its last call was still making, and watches that", async () => {
    const { spec, log } = lockingSpec("making");
    slow(0.7);
    await killAfter(spec, () => untilContainerIsThere(spec.name));
    expect(await runToTheEnd(spec)).toMatchObject({ kind: "exited", exitCode: 0, takenOver: true });
    slow(0);
    expect(log()).toBe("begin\nend\n");
    expect(await ground.containerd.leftovers()).toEqual([]);
  });

  it("is not confused by a call that was killed with it, and that containerd is carrying out yet", async () => {
    const { spec, log } = lockingSpec("carrying");
    slow(0.7);
    await killAfter(spec, () => untilContainerIsThere(spec.name));
    killCalls(spec.name);
    expect(await runToTheEnd(spec)).toMatchObject({ kind: "exited", exitCode: 0 });
    slow(0);
    expect(log()).toBe("begin\nend\n");
    expect(await ground.containerd.leftovers()).toEqual([]);
  });

  it("removes what a call that was killed with it had not yet started, and runs another one in its place", async () => {
    const { spec } = lockingSpec("unstarted");
    for (let round = 1; round <= 2; round += 1) {
      rmSync(asked, { force: true });
      writeFileSync(gate, "");
      await killAfter({ ...spec, run: `killed ${round}`, args: ["sleep 1"] }, untilStartIsAsked);
      killCalls(spec.name);
      // containerd goes on with it, or gives it up; the next agent comes before that is over every second time.
      if (round % 2 === 0) await sleep(randomInt(400));
      rmSync(gate);
      const next = { ...spec, run: `next ${round}`, args: ["echo done"] };
      expect(await runToTheEnd(next)).toMatchObject({ kind: "exited", exitCode: 0, lastLines: ["done"] });
    }
    expect(await ground.containerd.leftovers()).toEqual([]);
  });
});
