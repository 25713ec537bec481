/** useradd, usermod, groupadd and chpasswd: the system's own programs, for / or for another root. */
import { setTimeout as sleep } from "node:timers/promises";

import { endWithin, startProgram, type EndWithin } from "../../programs/index.ts";
import type { ProgramStep } from "../apply/plan-users.ts";
import { CloudConfigError } from "../errors.ts";

/** What it has written is put onto the disk before it ends. */
const TIMES: EndWithin = { timeoutMs: 60_000, killedMs: 10_000 };
const OUTPUT_MAX_BYTES = 64 * 1024;
const TOLD_CHARACTERS = 512;
const SBIN = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin";

/** Somebody else works on the accounts, perhaps a program that a killed attempt of ours has started. */
const LOCKED = /cannot lock /;
const LOCKED_ATTEMPTS = 10;
const LOCKED_PAUSE_MS = 500;

/**
 * @param root  where the files of the accounts are. chpasswd knows only chroot as a way there, the others are given a prefix:
 *              programs and libraries are this system's.
 * @throws CloudConfigError CLOUD_CONFIG_PROGRAM_MISSING, CLOUD_CONFIG_PROGRAM_FAILED, CLOUD_CONFIG_INTERRUPTED
 */
export async function runAccountProgram(
  root: string,
  step: ProgramStep,
  signal: AbortSignal,
  times = TIMES,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const { code, said } = await runOnce(root, step, times);
    if (signal.aborted) throw new CloudConfigError("CLOUD_CONFIG_INTERRUPTED", "applying was broken off");
    if (code === 0) return;
    if (LOCKED.test(said) && attempt < LOCKED_ATTEMPTS) {
      await sleep(LOCKED_PAUSE_MS * (0.5 + Math.random()));
      continue;
    }
    const { program } = step;
    const why = said.trim() === "" ? `exit code ${String(code)}` : said.trim().replaceAll(/\s*\n\s*/g, "; ");
    throw new CloudConfigError("CLOUD_CONFIG_PROGRAM_FAILED", `${program}: ${why}`, { details: { program } });
  }
}

interface Ended {
  /** Undefined where it did not end by itself. */
  readonly code: number | undefined;
  /** The end of what it said on stderr, or why it ended otherwise. */
  readonly said: string;
}

async function runOnce(root: string, { program, args, stdin }: ProgramStep, times: EndWithin): Promise<Ended> {
  const rooted = root === "/" ? args : [program === "chpasswd" ? "--root" : "--prefix", root, ...args];
  const running = startProgram({
    program,
    args: rooted,
    environment: { PATH: SBIN, LC_ALL: "C.UTF-8" },
    maxOutputBytes: OUTPUT_MAX_BYTES,
    ownGroup: false,
    input: stdin ?? "",
  });
  const ending = await endWithin(running, times);
  if (ending === undefined) return { code: undefined, said: "was killed, and still waits in the kernel" };
  if (ending.kind === "not-started") {
    const { cause } = ending;
    throw new CloudConfigError("CLOUD_CONFIG_PROGRAM_MISSING", `${program} cannot be started`, {
      cause,
      details: { program },
    });
  }
  if (ending.kind === "flooded") return { code: undefined, said: "printed too much" };
  if (ending.kind === "killed") return { code: undefined, said: `was ended by ${ending.signal}` };
  return { code: ending.exitCode, said: ending.stderr.toString("utf8").slice(-TOLD_CHARACTERS) };
}
