/** useradd, usermod, groupadd and chpasswd: the system's own programs, for / or for another root. */
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

import type { ProgramStep } from "../apply/plan-users.ts";
import { CloudConfigError } from "../errors.ts";

const TIMEOUT_MS = 60_000;
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
export async function runAccountProgram(root: string, step: ProgramStep, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const { code, said } = await runOnce(root, step);
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
  readonly code: number | null;
  /** The end of what it said on stderr. */
  readonly said: string;
}

async function runOnce(root: string, { program, args, stdin }: ProgramStep): Promise<Ended> {
  const rooted = root === "/" ? args : [program === "chpasswd" ? "--root" : "--prefix", root, ...args];
  const { promise, resolve, reject } = Promise.withResolvers<Ended>();
  const child = spawn(program, rooted, {
    env: { PATH: SBIN, LC_ALL: "C.UTF-8" },
    stdio: ["pipe", "ignore", "pipe"],
    timeout: TIMEOUT_MS,
    killSignal: "SIGKILL",
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-TOLD_CHARACTERS)));
  child.on("error", reject).on("close", (code) => resolve({ code, said }));
  // A program that has ended already does not read; its exit code tells.
  child.stdin.on("error", () => undefined).end(stdin ?? "");
  return promise.catch((cause: unknown) => {
    const details = { program };
    throw new CloudConfigError("CLOUD_CONFIG_PROGRAM_MISSING", `${program} cannot be started`, { cause, details });
  });
}
