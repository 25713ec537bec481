/** What the tests of `install` share: a disk that is a file, and the command on it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { makeDisk, systemTree, type TestDisk } from "../../../../test/disks/index.ts";
import { errorOf, rosAgent, startRosAgent, type Outcome } from "./ros-agent.ts";

export const GIB = 1024 ** 3;
export const DISK_BYTES = 2 * GIB;
export const SLOT = ["--slot-size", "200MiB"];

export interface InstallGround {
  /** A folder for what a test needs. */
  readonly home: string;
  /** One at a time. */
  readonly newDisk: (sizeBytes?: number, options?: object) => TestDisk;
  /** Of the command line, without leave to erase anything. */
  readonly args: (target: TestDisk, ...more: readonly string[]) => readonly string[];
  readonly install: (target: TestDisk, ...more: readonly string[]) => Promise<Outcome>;
  /** Kills it when it says the word. What it was at then lies with what the test needs. */
  readonly killAt: (word: string, target: TestDisk, source: string) => Promise<Outcome>;
  /** @returns the code, or the whole outcome where it did not fail */
  readonly refusal: (target: TestDisk, ...more: readonly string[]) => Promise<unknown>;
  /** A folder with an operating system. */
  readonly tree: (name: string) => string;
  /** The machine is started anew, with another disk. */
  readonly restart: () => void;
  readonly remove: () => void;
}

export function openInstallGround(): InstallGround {
  const home = mkdtempSync(join(tmpdir(), "install-"));
  let disk: TestDisk | undefined;
  const ground: InstallGround = {
    home,
    newDisk(sizeBytes = DISK_BYTES, options = {}) {
      disk = makeDisk(join(home, "disk"), sizeBytes, options);
      return disk;
    },
    args: (target, ...more) => [
      "install",
      "--device",
      target.device,
      "--no-restart",
      "--work-folder",
      join(home, "disk/work"),
      ...(more.includes("--slot-size") ? [] : SLOT),
      ...more,
    ],
    install: (target, ...more) => rosAgent(ground.args(target, "--yes", "--json", ...more)),
    async killAt(word, target, source) {
      const { child, outcome } = startRosAgent(ground.args(target, "--yes", "--source", source), { TMPDIR: home });
      child.stderr?.on("data", (text: Buffer) => {
        if (text.toString().includes(word)) child.kill("SIGKILL");
      });
      return outcome;
    },
    async refusal(target, ...more) {
      const outcome = await ground.install(target, ...more);
      return outcome.stdout === "" ? outcome : errorOf(outcome)["code"];
    },
    tree: (name) => systemTree(join(home, name), "example.com/os:v1"),
    restart() {
      disk?.remove();
      disk = undefined;
      rmSync(join(home, "disk/work.installed"), { force: true });
    },
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
  return ground;
}

/** Whether a BIOS would find something to start. */
export function startsSomething(target: TestDisk): boolean {
  return target.firstBytes(440).some((byte) => byte !== 0);
}
