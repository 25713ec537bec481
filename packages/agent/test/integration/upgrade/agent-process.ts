/**
 * An agent as a process of its own on a machine that is a folder: run by tests, which kill it. Its container runtime is
 * played: what it does is lines of a file, so that it outlives the agent.
 * Environment: MACHINE (the folder), KILL_AT (which fault point, counted from 1, is the end; 0 for none).
 */
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { runDaemon, type DaemonOptions } from "@rancheros/agent/daemon";
import type { ContainerPort } from "@rancheros/agent/upgrade";

const machine = process.env["MACHINE"] ?? "";
const killAt = Number(process.env["KILL_AT"] ?? "0");
const say = (line: string): void => appendFileSync(join(machine, "events"), `${line}\n`);
const at = (path: string): string => join(machine, path);

const containers: ContainerPort = {
  find: () => Promise.resolve({ kind: "containerd", socket: undefined }),
  hold: () => undefined,
  pull: (reference) => {
    say("pulled");
    return Promise.resolve(reference.slice(reference.indexOf("@") + 1));
  },
  removeImage: () => Promise.resolve(),
  ownImages: () => Promise.resolve([]),
  readImageFile: (_reference, path) =>
    Promise.resolve(existsSync(at(`image${path}`)) ? readFileSync(at(`image${path}`)) : undefined),
  async run({ name, run }, { leave }) {
    const running = at(`running-${name}`);
    if (existsSync(running) && readFileSync(running, "utf8") !== run) say(`removed ${name}`);
    if (!existsSync(running)) say(`started ${name}`);
    writeFileSync(running, run);
    await sleep(20);
    if (leave.aborted) return { kind: "left-running" };
    const exitCode = name === "ros-agent-upgrade" ? sucUpgrade() : 0;
    rmSync(running);
    say(`${name} ${exitCode}`);
    return { kind: "exited", exitCode, lastLines: [] };
  },
  stop(name) {
    rmSync(at(`running-${name}`), { force: true });
    return Promise.resolve();
  },
};

function sucUpgrade(): number {
  const release = "/usr/lib/rancheros-release";
  const image = readFileSync(at(`image${release}`));
  if (image.equals(readFileSync(at(release)))) return 0;
  writeFileSync(at(release), image);
  say("switched");
  // What a machine shows that restarts.
  writeFileSync(at("run/nologin"), "");
  return 1;
}

let points = 0;
const ended = new AbortController();
process.on("SIGTERM", () => ended.abort());
const options: DaemonOptions = {
  hostRoot: machine,
  stateFolder: at("var/lib/rancheros"),
  runFolder: at("run/rancheros"),
  kubeconfig: undefined,
  checkTimeoutMs: 10_000,
  environment: process.env,
  log: (message) => say(`log ${message}`),
  containers,
  operator: undefined,
  pid: process.pid,
  signal: ended.signal,
  onReady: () => process.stdout.write("ready\n"),
  reach: (point) => {
    points += 1;
    say(`point ${point}`);
    if (points === killAt) process.kill(process.pid, "SIGKILL");
  },
};
await runDaemon(options).catch((error: unknown) => {
  say(`log ${String(error)}`);
  process.exitCode = 1;
});
