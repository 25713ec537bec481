/** The daemon as a process on a machine that is a folder: killed for good, restarted, asked through its socket. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";

import { createFolderMachine, type FolderMachine } from "./agent-on-folder.ts";

const machines: FolderMachine[] = [];
const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) await end(child, "SIGKILL");
  for (const machine of machines.splice(0)) machine.remove();
});

function createMachine(): FolderMachine {
  const machine = createFolderMachine();
  machines.push(machine);
  return machine;
}

async function start(machine: FolderMachine, killAt = 0): Promise<ChildProcess> {
  const child = await machine.start(killAt);
  children.push(child);
  return child;
}

async function end(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (isOver(child)) return;
  child.kill(signal);
  await once(child, "exit");
}

const isOver = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

/** An upgrade from the order to its end: plays the machine's restarts, and starts an agent again that was killed. */
async function upgrade(machine: FolderMachine, killAt = 0): Promise<void> {
  let child = await start(machine, killAt);
  const order = machine.order();
  // An agent that is killed before it has written the order down has not taken it.
  await machine.hand(order).catch(() => undefined);
  for (let rounds = 0; rounds < 600; rounds++) {
    const { run, history } = readJournal(machine);
    if (isOver(child)) {
      child = await start(machine);
      await machine.hand(order);
    } else if (run?.phase === "Rebooting") {
      await end(child, "SIGTERM");
      machine.restart();
      child = await start(machine);
    } else if (run === undefined && history.length > 0) {
      await end(child, "SIGTERM");
      return;
    }
    await sleep(25);
  }
  throw new Error(`no end: ${machine.events().join(", ")}`);
}

interface Journal {
  readonly run?: { readonly phase: string };
  readonly history: readonly { readonly phase: string }[];
}

function readJournal({ journalPath }: FolderMachine): Journal {
  return existsSync(journalPath) ? (JSON.parse(readFileSync(journalPath, "utf8")) as Journal) : { history: [] };
}

const happened = (machine: FolderMachine): readonly string[] =>
  machine.events().filter((event) => !/^(point|log)/.test(event));

describe("an agent as a process", () => {
  it("takes an order by its socket, restarts with the machine, and goes on", async () => {
    const machine = createMachine();
    await upgrade(machine);
    expect(happened(machine)).toEqual([
      "pulled",
      "started ros-agent-upgrade",
      "switched",
      "ros-agent-upgrade 1",
      "started ros-agent-upgrade",
      "ros-agent-upgrade 0",
    ]);
    await expect(machine.state()).resolves.toMatchObject({
      agentPid: undefined,
      phase: "Succeeded",
      isUnderWay: false,
      upgrade: { osImage: "example.com/os:v2", isByHand: true },
    });
  });

  it("comes to the same end when it is killed at points that are spread over the upgrade", async () => {
    const points = [2, 12, 18];
    await Promise.all(
      points.map(async (killAt) => {
        const machine = createMachine();
        await upgrade(machine, killAt);
        expect(machine.events().filter((event) => event.startsWith("point")).length).toBeGreaterThan(killAt);
        const phases = readJournal(machine).history.map(({ phase }) => phase);
        expect(phases, `killed at ${killAt}`).toEqual(["Succeeded"]);
        const switches = happened(machine).filter((event) => event === "switched");
        expect(switches, `killed at ${killAt}`).toHaveLength(1);
        expect(happened(machine).filter((event) => event.startsWith("removed"))).toEqual([]);
      }),
    );
  });

  it("keeps its journal, its lock and its socket for root only", async () => {
    const machine = createMachine();
    await start(machine);
    await machine.hand(machine.order());
    const mode = (path: string): string => (statSync(join(machine.folder, path)).mode & 0o777).toString(8);
    expect(["var/lib/rancheros", "run/rancheros"].map(mode)).toEqual(["700", "700"]);
    const files = ["run/rancheros/agent.sock", "run/rancheros/agent.lock", "var/lib/rancheros/upgrade.json"];
    expect(files.map(mode)).toEqual(["600", "600", "600"]);
  });

  it("is alone on its machine, and leaves its place when it is killed", async () => {
    const machine = createMachine();
    const first = await start(machine);
    const second = await start(machine);
    if (!isOver(second)) await once(second, "exit");
    expect(second.exitCode).toBe(1);
    expect(isOver(first)).toBe(false);
    await end(first, "SIGKILL");
    const third = await start(machine);
    await expect(machine.state()).resolves.toMatchObject({ agentPid: third.pid, phase: "Idle" });
  });

  it("starts with a journal that is broken, and says where that is now", async () => {
    const machine = createMachine();
    writeFileSync(machine.journalPath, "\0\0\0\0");
    await start(machine);
    await expect(machine.state()).resolves.toMatchObject({ phase: "Idle", reason: { code: "UPGRADE_JOURNAL_BROKEN" } });
    expect(readFileSync(`${machine.journalPath}.broken`, "utf8")).toBe("\0\0\0\0");
  });
});
