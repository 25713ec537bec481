import { spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { pullImage, type ContainerRuntime } from "@rancheros/agent/containers";
import { NO_REGISTRIES } from "@rancheros/agent/images";
import { startContainerd, type TestContainerd } from "../../../../../test/containerd/index.ts";
import {
  buildImage,
  busyboxLayer,
  pushImage,
  startRegistry,
  type TestRegistry,
} from "../../../../../test/registry/index.ts";
import type { AgentOrder } from "../../../../../test/containerd/agent-process.ts";

const AGENT = fileURLToPath(new URL("../../../../../test/containerd/agent-process.ts", import.meta.url));
const MIB = 1024 * 1024;
const KILLS = 12;

let folder: string;
let containerd: TestContainerd;
let registry: TestRegistry;
let runtime: ContainerRuntime;

beforeAll(async () => {
  folder = mkdtempSync("/tmp/ros-kill-");
  containerd = await startContainerd({ folder: path.join(folder, "c") });
  registry = await startRegistry({ folder: path.join(folder, "r") });
  const { ctrProgram, socket, namespace } = containerd;
  runtime = { kind: "containerd", origin: "set", program: [ctrProgram], socket, namespace, snapshotter: undefined };
});

afterAll(async () => {
  await registry.stop();
  await containerd.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** systemd waits for five seconds (RestartSec): a call of ctr that the dead agent had begun has ended by then. */
const RESTART_MS = 2_000;

function agent(work: AgentOrder["work"]): ReturnType<typeof spawn> {
  const order: AgentOrder = { runtime, runFolder: path.join(folder, "run"), work };
  return spawn(process.execPath, [AGENT, JSON.stringify(order)], { stdio: ["ignore", "pipe", "pipe"] });
}

async function pull(image: string): ReturnType<typeof pullImage> {
  const signal = new AbortController().signal;
  return pullImage(runtime, { runFolder: path.join(folder, "run") }, { image, registries: NO_REGISTRIES, signal });
}

describe("an agent that is killed", () => {
  it("never has the same container run twice at a time, whenever the kill comes", async () => {
    const small = buildImage({ layers: [busyboxLayer()] });
    const image = `${registry.host}/os/run@${await pushImage(registry, "os/run", "v1", small)}`;
    await pull(image);
    const host = path.join(folder, "host");
    mkdirSync(host);
    const script =
      "mkdir /host/lock || { echo twice >> /host/log; exit 9; }; echo begin >> /host/log; sleep 1; echo end >> /host/log; " +
      "busybox rmdir /host/lock";
    const spec = {
      name: "ros-agent-killed",
      run: "1",
      image,
      hostRoot: host,
      command: ["/bin/sh", "-c"],
      args: [script],
    };
    const delays: number[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const delayMs = randomInt(150, 1_200);
      delays.push(delayMs);
      const running = agent({ kind: "run", spec });
      // It may have ended by itself before the kill.
      const ended = once(running, "exit");
      await sleep(delayMs);
      running.kill("SIGKILL");
      await ended;
      await sleep(RESTART_MS);
    }
    const last = agent({ kind: "run", spec });
    const [printed] = await Promise.all([text(last.stdout!), once(last, "exit")]);
    expect(JSON.parse(printed), `killed after ${delays.join(", ")} ms`).toMatchObject({ kind: "exited", exitCode: 0 });
    const log = readFileSync(path.join(host, "log"), "utf8");
    expect(log, `killed after ${delays.join(", ")} ms`).toMatch(/^(begin\nend\n)+$/);
    expect(await containerd.leftovers()).toEqual([]);
  });

  it("loads only the rest of a layer that it was loading", async () => {
    const built = buildImage({ layers: [busyboxLayer(), [{ path: "/large", content: randomBytes(16 * MIB) }]] });
    const image = `${registry.host}/os/large@${await pushImage(registry, "os/large", "v1", built)}`;
    const running = agent({ kind: "pull", image, bytesPerSecond: 4 * MIB });
    let pieces = 0;
    for await (const chunk of running.stderr!) {
      pieces += Buffer.from(chunk).length;
      if (pieces > 8 * 16) break;
    }
    running.kill("SIGKILL");
    await once(running, "exit");
    const { transferredBytes } = await pull(image);
    expect(transferredBytes).toBeLessThan(12 * MIB);
    expect(await containerd.ctr("images", "check", `name==${image}`)).toMatch(/true\s*$/);
  });
});
