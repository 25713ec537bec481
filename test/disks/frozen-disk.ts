/** A file system that answers nobody until it is thawed: whoever writes to it waits in the kernel, where no signal ends him. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

import { makeDisk } from "./loop-disk.ts";

const PROGRAMS = { env: { ...process.env, PATH: "/usr/sbin:/sbin:/usr/bin:/bin" } };
const THAW_MS = 15_000;
const WAITING_MS = 20_000;
/** One that starts waits for its libraries now and then, for less than this. */
const STILL_MS = 100;

export interface FrozenDisk {
  /** For the files of a test that shall not freeze. */
  readonly home: string;
  /** Where it is mounted. */
  readonly folder: string;
  /** Until somebody with the folder in its arguments waits in the kernel. */
  readonly untilWaited: () => Promise<void>;
  /** Lets everybody go on, and waits for those who were killed meanwhile: they keep it busy until they end. */
  readonly remove: () => Promise<void>;
}

export function makeFrozenDisk(): FrozenDisk {
  const home = mkdtempSync(join(tmpdir(), "frozen-disk-"));
  const folder = join(home, "frozen");
  const disk = makeDisk(home, 16 * 1024 ** 2);
  execFileSync("mkfs.ext4", ["-q", disk.device], PROGRAMS);
  execFileSync("mount", ["--mkdir", disk.device, folder], PROGRAMS);
  execFileSync("fsfreeze", ["--freeze", folder], PROGRAMS);
  return {
    home,
    folder,
    async untilWaited() {
      const begun = performance.now();
      let before: readonly string[] = [];
      for (;;) {
        const waiting = namedBy(folder).filter((pid) => stateOf(pid) === "D");
        if (waiting.some((pid) => before.includes(pid))) return;
        if (performance.now() - begun > WAITING_MS) throw new Error(`nobody waits for ${folder}`);
        before = waiting;
        await setTimeout(STILL_MS);
      }
    },
    async remove() {
      // Some come to it by a link beside it.
      const known = namedBy(home);
      execFileSync("fsfreeze", ["--unfreeze", folder], PROGRAMS);
      const begun = performance.now();
      while (known.some(keepsFiles) && performance.now() - begun < THAW_MS) await setTimeout(10);
      disk.remove();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** The processes with it in their arguments that still have memory of their own. */
function namedBy(folder: string): readonly string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid) || pid === String(process.pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(folder);
    } catch {
      return false;
    }
  });
}

/** One that ends keeps them for longer than its memory, in which its arguments are. */
function keepsFiles(pid: string): boolean {
  return !["Z", "X", undefined].includes(stateOf(pid));
}

/** Source: proc_pid_status(5) */
function stateOf(pid: string): string | undefined {
  try {
    return /^State:\s*(\w)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  } catch {
    return undefined;
  }
}
