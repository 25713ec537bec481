/** A file system that answers nobody until it is thawed: whoever writes to it waits in the kernel, where no signal ends him. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

import { makeDisk } from "./loop-disk.ts";

const PROGRAMS = { env: { ...process.env, PATH: "/usr/sbin:/sbin:/usr/bin:/bin" } };
const THAW_MS = 15_000;

export interface FrozenDisk {
  /** For the files of a test that shall not freeze. */
  readonly home: string;
  /** Where it is mounted. */
  readonly folder: string;
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
    async remove() {
      execFileSync("fsfreeze", ["--unfreeze", folder], PROGRAMS);
      const begun = performance.now();
      while (isNamed(folder) && performance.now() - begun < THAW_MS) await setTimeout(10);
      disk.remove();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** In the arguments of a process that still has memory of its own. */
function isNamed(folder: string): boolean {
  return readdirSync("/proc").some((pid) => {
    if (!/^\d+$/.test(pid) || pid === String(process.pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(folder);
    } catch {
      return false;
    }
  });
}
