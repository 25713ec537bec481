/** Which calls about a container are under way: each holds a file open, and the kernel knows who, also after this program was killed. */
import { readdir, readFile, readlink, rm } from "node:fs/promises";

export interface ContainerCalls {
  /** Held open by each call from before its start to its end. */
  readonly file: string;
  /** Process ids of calls that another process of this program began and that have not ended. */
  readonly ofOthers: () => Promise<readonly number[]>;
  /** Ends them with what they have started, as whoever began them would have done at the end of their time. */
  readonly kill: (pids: readonly number[]) => void;
  /** Never throws: an empty file in memory that is used again. */
  readonly forget: () => Promise<void>;
}

/** Where a started program finds the file: after stdin, stdout and stderr. Source: programs/io/start-program.ts */
const HELD_DESCRIPTOR = "3";

/** @param file  made by the first call where it is missing */
export function containerCalls(file: string): ContainerCalls {
  return {
    file,
    async ofOthers() {
      const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
      const holds = await Promise.all(pids.map((pid) => isCallOfOther(pid, file)));
      return pids.filter((_, at) => holds[at]).map(Number);
    },
    kill(pids) {
      for (const pid of pids) killGroup(pid);
    },
    // One that stays is held by nobody, and says nothing.
    forget: () => rm(file, { force: true }).catch(() => undefined),
  };
}

/** One that is gone meanwhile is none. */
async function isCallOfOther(pid: string, file: string): Promise<boolean> {
  try {
    const descriptors = await heldBy(pid);
    const links = await Promise.all(descriptors.map((one) => readlink(`/proc/${pid}/fd/${one}`).catch(() => "")));
    return links.some((link) => link === file || link === `${file} (deleted)`) && (await parentOf(pid)) !== process.pid;
  } catch {
    return false;
  }
}

/** Between fork and exec it is still this program, with the file wherever that was there. */
async function heldBy(pid: string): Promise<readonly string[]> {
  const program = await readlink(`/proc/${pid}/exe`);
  return program === process.execPath ? readdir(`/proc/${pid}/fd`) : [HELD_DESCRIPTOR];
}

/** Source: proc_pid_stat(5); the name in brackets may hold anything */
async function parentOf(pid: string): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

/** Each is the leader of a group of its own. */
function killGroup(pid: number): void {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, "SIGKILL");
      return;
    } catch {
      // It has no group, or is gone.
    }
  }
}
