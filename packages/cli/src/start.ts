/** Connects the command line with the process: arguments, environment, signals, exit code. */
import { existsSync } from "node:fs";
import { setDefaultAutoSelectFamilyAttemptTimeout } from "node:net";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";

import { describeError } from "./describe-error.ts";
import { CliError } from "./errors.ts";
import { runCli } from "./run-cli.ts";
import { EXIT_CODES, SUCCESS, exitCodeOf } from "./exit-codes.ts";
import type { CommandSurroundings } from "./surroundings.ts";

const SHELL = "/bin/sh";
/** How long a question to the kernel that is under way may still be answered when all is said. */
const LAST_ANSWERS_MS = 100;
/**
 * Of a server's addresses each but the last has this time, and is never tried again: Node's half a second is less than a lost
 * packet takes, and an IPv6 address without a route is then all that is left. Two of them fit into the five seconds of a step.
 */
const ADDRESS_ATTEMPT_MS = 2_000;

/** Runs one command and ends the process. The first Ctrl-C asks it to clean up and end, the second ends it at once. */
export async function start(args: readonly string[]): Promise<never> {
  setDefaultAutoSelectFamilyAttemptTimeout(ADDRESS_ATTEMPT_MS);
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) leave(EXIT_CODES.interrupted.code);
    controller.abort();
    process.stderr.write("Breaking off; what was begun is cleaned up (once more to end at once).\n");
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  // Whoever reads our remarks may go away; the command shall not die of it. So may the reader of our data, as head does.
  process.stderr.on("error", () => undefined);
  let lost: NodeJS.ErrnoException | undefined;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") lost ??= error;
  });
  const describeCommands = async (): ReturnType<CommandSurroundings["describeCommands"]> =>
    (await import("./describe-commands.ts")).describeCommands();
  const ended = await runCli(args, { environment: process.env, signal: controller.signal, describeCommands });
  // What a write has come to is told a turn later.
  await setImmediate();
  const code = lost === undefined ? ended : tellLost(lost, ended);
  const givenUp = performance.now() + LAST_ANSWERS_MS;
  while (isHeldUp() && performance.now() < givenUp) await sleep(5);
  if (isHeldUp()) leave(code);
  process.exit(code);
}

/** @returns the command's own exit code where that is a failure already */
function tellLost(cause: NodeJS.ErrnoException, ended: number): number {
  const error = new CliError("CLI_OUTPUT_LOST", `not all of it could be printed: ${cause.code ?? cause.message}`, {
    cause,
  });
  process.stderr.write(describeError(error, { withStack: false }));
  return ended === SUCCESS.code ? exitCodeOf(error) : ended;
}

/** Whether something that was asked of the kernel, such as a file on a server that is gone, has not been answered. */
function isHeldUp(): boolean {
  return process.getActiveResourcesInfo().some((name) => /^(?:FSReq|GetAddrInfoReq|GetNameInfoReq)/.test(name));
}

/**
 * Ends at once. `process.exit` waits for the threads in which such questions are asked, for as long as they take, and with
 * all said; another program in our place waits for none.
 */
function leave(code: number): never {
  if (process.execve !== undefined && existsSync(SHELL)) {
    // It calls nobody who has something to end or to take away, such as a program that is to end with us.
    process.emit("exit", code);
    process.execve(SHELL, ["sh", "-c", `exit ${code}`], {});
  }
  process.exit(code);
}
