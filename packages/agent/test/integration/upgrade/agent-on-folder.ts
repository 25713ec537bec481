/** A machine that is a folder, with agents that are started on it, killed, and started again. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readAgentState, upgradeByHand } from "@rancheros/agent/by-hand";
import { orderByHand, type AgentState, type Order } from "@rancheros/agent/upgrade";

import { folderOutside } from "./folder-outside.ts";

export interface FolderMachine {
  readonly folder: string;
  readonly journalPath: string;
  readonly events: () => readonly string[];
  /** @returns when it is ready, or has ended before. @param killAt  0 for never */
  start(killAt: number): Promise<ChildProcess>;
  restart(): void;
  order(): Order;
  hand(order: Order): Promise<void>;
  state(): Promise<AgentState>;
  remove(): void;
}

const REFERENCE = `example.com/os@sha256:${"a".repeat(64)}`;

export function createFolderMachine(): FolderMachine {
  // Not in the temporary folder where that lies in memory: the agent refuses to keep its journal there.
  const folder = mkdtempSync(join(process.env["ROS_TEST_DISK"] ?? tmpdir(), "machine-"));
  let boot = 1;
  const write = (path: string, text: string): void => {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  for (const path of ["dev", "run", "var/lib/rancheros", "proc/sys/kernel/random"]) {
    mkdirSync(join(folder, path), { recursive: true });
  }
  write("usr/lib/rancheros-release", "IMAGE=example.com/os:v1\n");
  write("image/usr/lib/rancheros-release", "IMAGE=example.com/os:v2\n");
  write("proc/sys/kernel/random/boot_id", "boot-1\n");
  write("proc/cmdline", "root=LABEL=COS_ACTIVE\n");
  write("events", "");
  const outside = folderOutside(folder, () => undefined);
  return {
    folder,
    journalPath: join(folder, "var/lib/rancheros/upgrade.json"),
    events: () =>
      readFileSync(join(folder, "events"), "utf8")
        .split("\n")
        .filter((line) => line !== ""),
    async start(killAt) {
      const program = join(import.meta.dirname, "agent-process.ts");
      const environment = { ...process.env, MACHINE: folder, KILL_AT: String(killAt) };
      const child = spawn(process.execPath, [program], { env: environment, stdio: ["ignore", "pipe", "inherit"] });
      await Promise.race([once(child.stdout, "data"), once(child, "exit")]);
      return child;
    },
    restart() {
      boot += 1;
      write("proc/sys/kernel/random/boot_id", `boot-${boot}\n`);
      rmSync(join(folder, "run/nologin"), { force: true });
      for (const name of ["prepare", "upgrade"]) rmSync(join(folder, `running-ros-agent-${name}`), { force: true });
    },
    order: () =>
      orderByHand({
        osImage: "example.com/os:v2",
        reference: REFERENCE,
        version: "v2",
        cordon: false,
        drain: undefined,
        timeoutSeconds: 600,
        force: false,
        allowDowngrade: false,
        credentials: [],
      }),
    async hand(order) {
      const never = { find: () => Promise.reject(new Error("no agent runs")) };
      const [pull, run, stop] = [never.find, never.find, never.find];
      const images = { readImageFile: never.find, removeImage: never.find, ownImages: never.find };
      const containers = { ...never, ...images, hold: () => undefined, pull, run, stop };
      const signal = AbortSignal.timeout(30_000);
      await upgradeByHand({ ...outside, containers }, { order, signal, onState: () => undefined });
    },
    state: () => readAgentState(outside),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
