/** The administrator's checks: executables in a folder, one after the other in the order of their names. */
import { systemCode } from "@rancheros/protocol/errors";
import { constants } from "node:fs";
import { access, readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";

import { breakable, startProgram } from "../../programs/index.ts";
import type { CheckResult } from "../ports.ts";

export interface CheckOptions {
  /** For each of them. */
  readonly timeoutMs: number;
  /** How long one may take to end once it is killed: who waits in the kernel for a disk does not. Default: ten seconds. */
  readonly killedMs?: number;
  readonly signal: AbortSignal;
  readonly log: (message: string) => void;
}

/** What a check may print before it is ended; of it the end is told. */
const OUTPUT_MAX_BYTES = 1024 * 1024;
const TOLD_CHARACTERS = 512;
const KILLED_MS = 10_000;
/** Of whoever. */
const EXECUTABLE = 0o111;
/** As run-parts has it: no backups, no packages' leftovers. Source: run-parts(8) */
const NAME = /^[a-zA-Z0-9_-]+(\.sh)?$/;

/** @returns of all of them, also where one fails; empty where the folder is missing, and a failure where it cannot be read */
export async function runChecks(folder: string, options: CheckOptions): Promise<readonly CheckResult[]> {
  let names: readonly string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    const code = systemCode(error) || "unknown";
    if (code === "ENOENT") return [];
    return [{ name: basename(folder), failure: `cannot be read (${code})`, output: "" }];
  }
  const results: CheckResult[] = [];
  for (const name of names.filter((one) => NAME.test(one)).sort()) {
    const path = join(folder, name);
    if (options.signal.aborted) throw options.signal.reason;
    const kind = await kindOf(path);
    if (kind === "no-program") continue;
    // It may be the one that the new operating system would not pass.
    const result =
      kind === "program" ? await runCheck(name, path, options) : { name, failure: kind.failure, output: "" };
    options.log(`check ${name}: ${result.failure ?? "passed"}`);
    results.push(result);
  }
  return results;
}

async function kindOf(path: string): Promise<"program" | "no-program" | { readonly failure: string }> {
  try {
    const found = await stat(path);
    // Notes, and checks that somebody has switched off, have no permission to be executed.
    if (!found.isFile() || (found.mode & EXECUTABLE) === 0) return "no-program";
  } catch (cause) {
    const code = systemCode(cause) || "unknown";
    // It was taken away a moment ago, or is a link to what is not there.
    return code === "ENOENT" ? "no-program" : { failure: `cannot be looked at (${code})` };
  }
  return access(path, constants.X_OK).then(
    () => "program",
    (cause: unknown) => whyNotExecuted(systemCode(cause) || "unknown"),
  );
}

/** A check that cannot be asked has not passed, whatever keeps it from that. */
function whyNotExecuted(code: string): "no-program" | { readonly failure: string } {
  if (code === "ENOENT") return "no-program";
  const why = code === "EACCES" ? "its file system is mounted noexec, or this user may not" : code;
  return { failure: `cannot be executed: ${why}` };
}

async function runCheck(name: string, path: string, options: CheckOptions): Promise<CheckResult> {
  const { timeoutMs, signal, killedMs = KILLED_MS } = options;
  const program = startProgram({
    program: path,
    args: ["check"],
    environment: process.env,
    maxOutputBytes: OUTPUT_MAX_BYTES,
    ownGroup: true,
  });
  const late = AbortSignal.timeout(timeoutMs);
  const { ending: ended, breakOff } = breakable(program, { termMs: 0, killedMs });
  const either = AbortSignal.any([signal, late]);
  either.addEventListener("abort", breakOff, { once: true });
  if (either.aborted) breakOff();
  const ending = await ended;
  either.removeEventListener("abort", breakOff);
  if (signal.aborted) throw signal.reason;
  if (ending === undefined) return { name, failure: "was killed, and still waits in the kernel", output: "" };
  const output = "stdout" in ending ? Buffer.concat([ending.stdout, ending.stderr]).toString("utf8") : "";
  return {
    name,
    failure: late.aborted ? `did not end within ${timeoutMs / 1000} s` : failureOf(ending),
    output: told(output),
  };
}

function failureOf(ending: Awaited<ReturnType<typeof startProgram>["ending"]>): string | undefined {
  if (ending.kind === "exited") return ending.exitCode === 0 ? undefined : `ended with ${ending.exitCode}`;
  if (ending.kind === "killed") return `was ended by ${ending.signal}`;
  return ending.kind === "flooded" ? `printed more than ${OUTPUT_MAX_BYTES} bytes` : "cannot be started";
}

/** Without what would move a terminal's cursor. */
function told(output: string): string {
  return output
    .replaceAll(/[^\P{Cc}\n]/gu, " ")
    .trim()
    .slice(-TOLD_CHARACTERS);
}
