/** A machine that is a folder, on which a person calls ros-agent; an agent may run there. By hooks of the calling file. */
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach } from "vitest";

import { rosAgent, startRosAgent, type Outcome, type Running } from "./ros-agent.ts";

interface DaemonOptions {
  readonly runFolder?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export function useCommandedMachine() {
  let folder = "";
  const running: Running[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "machine-"));
    for (const name of ["dev", "run", "var/lib/rancheros"]) mkdirSync(join(folder, name), { recursive: true });
  });
  afterEach(async () => {
    for (const { child, outcome } of running.splice(0)) {
      child.kill("SIGKILL");
      await outcome;
    }
    rmSync(folder, { recursive: true, force: true });
  });

  /** @param runFolder  another one than that below the machine's folder */
  const flags = (runFolder = join(folder, "run/rancheros")): readonly string[] => [
    "--host-root",
    folder,
    "--state-folder",
    join(folder, "var/lib/rancheros"),
    "--run-folder",
    runFolder,
  ];

  return {
    folder: () => folder,
    flags,
    write: (path: string, text: string): void => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    },
    call: (command: string, args: readonly string[] = [], environment = {}): Promise<Outcome> =>
      rosAgent([command, ...args, ...flags()], environment),
    /** While it runs; killed after the test. */
    start: (command: string, args: readonly string[] = []): Running => {
      const one = startRosAgent([command, ...args, ...flags()]);
      running.push(one);
      return one;
    },
    /** @returns when it has said something, which is that it is ready; killed after the test */
    startDaemon: async ({ runFolder, environment }: DaemonOptions = {}): Promise<Running> => {
      const agent = startRosAgent(["run", "--without-operator", ...flags(runFolder)], environment);
      running.push(agent);
      if (agent.child.stderr !== null) await once(agent.child.stderr, "data");
      return agent;
    },
  };
}
