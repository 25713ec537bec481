/** From arguments to an exit code. The only place that tells errors. */
import { AlreadyTold } from "./already-told.ts";
import { COMMANDS, isTopic, leadingCommand } from "./command-table.ts";
import { codedError, describeError, errorJson } from "./describe-error.ts";
import { CliError } from "./errors.ts";
import { SUCCESS, exitCodeOf } from "./exit-codes.ts";
import { FailedInPart } from "./failed-in-part.ts";
import { jsonDocument } from "./json-document.ts";
import { BIN } from "./program.ts";
import type { CommandName } from "./summaries.ts";
import type { CommandSurroundings } from "./surroundings.ts";
import { unknownCommand } from "./unknown-command.ts";
import { usageFailure } from "./usage-failure.ts";

/** @returns the exit code; never throws */
export async function runCli(args: readonly string[], surroundings: CommandSurroundings): Promise<number> {
  try {
    await dispatch(args, surroundings);
    return SUCCESS.code;
  } catch (thrown) {
    if (thrown instanceof AlreadyTold) return exitCodeOf(thrown.failure);
    const { failure: error, done } =
      thrown instanceof FailedInPart ? thrown : { failure: codedError(thrown), done: undefined };
    const withStack = (surroundings.environment["DEBUG"] ?? "") !== "";
    if (wantsJson(args)) process.stdout.write(jsonDocument({ ...done, ...errorJson(error) }));
    if (!wantsJson(args) || withStack) process.stderr.write(describeError(error, { withStack }));
    return exitCodeOf(error);
  }
}

async function dispatch(args: readonly string[], surroundings: CommandSurroundings): Promise<void> {
  const [first, ...rest] = args;
  if (first === undefined) {
    await tellHelp(undefined, "stderr");
    throw new CliError("CLI_USAGE", "no command was given", { mend: `\`${BIN} help COMMAND\` describes one of them.` });
  }
  if (["help", "--help", "-h"].includes(first)) return tellHelp(helpSubject(rest), "stdout");
  const command = leadingCommand(["--version", "-v", "-V"].includes(first) ? ["version", ...rest] : args);
  if (command === undefined && isTopic(first) && wantsHelp(rest.slice(0, 1))) return tellHelp(first, "stdout");
  if (command === undefined) throw unknownCommand(isTopic(first) ? topicWords(args) : first);
  if (wantsHelp(command.rest)) return tellHelp(command.name, "stdout");
  if (command.name === "run" && (await startedWithoutOclif(command.rest, surroundings))) return undefined;
  return runCommand(command.name, command.rest, surroundings);
}

/** `help config show` and `help drain`. */
function helpSubject(args: readonly string[]): string | undefined {
  const words = args.filter((arg) => !arg.startsWith("-"));
  const [first] = words;
  if (first === undefined) return undefined;
  return leadingCommand(words)?.name ?? (isTopic(first) ? words.slice(0, 2).join(" ") : first);
}

/** The command of two words that was meant, without flags. */
function topicWords(args: readonly string[]): string {
  const [first = "", second = "-"] = ownArgs(args);
  return second.startsWith("-") ? first : `${first} ${second}`;
}

/** The service, which stays: what only reads command lines would stay with it. @returns whether it has run, to its end */
async function startedWithoutOclif(args: readonly string[], surroundings: CommandSurroundings): Promise<boolean> {
  const { runArguments } = await import("./run-arguments.ts");
  const read = runArguments(args);
  if (read === undefined) return false;
  const { runService } = await import("./run-service.ts");
  await runService(read.url, read.flags, surroundings, (text) => void process.stderr.write(`${text}\n`));
  return true;
}

/** Loads what only help needs. */
async function tellHelp(subject: string | undefined, where: "stdout" | "stderr"): Promise<void> {
  const { showHelp } = await import("./help.ts");
  await showHelp(subject, where);
}

async function runCommand(
  name: CommandName,
  args: readonly string[],
  surroundings: CommandSurroundings,
): Promise<void> {
  const Concrete = await COMMANDS[name]();
  try {
    await new Concrete(args, surroundings).run();
  } catch (error) {
    throw usageFailure(error, name, Object.keys({ ...Concrete.flags, ...Concrete.baseFlags }));
  }
}

function wantsHelp(args: readonly string[]): boolean {
  return ownArgs(args).some((arg) => arg === "--help" || arg === "-h");
}

/** Looked for by hand, as an unreadable command line too is to be told as JSON. */
function wantsJson(args: readonly string[]): boolean {
  return ownArgs(args).includes("--json");
}

/** Without what stands behind --, which is no flag whatever it looks like. */
function ownArgs(args: readonly string[]): readonly string[] {
  const end = args.indexOf("--");
  return end === -1 ? args : args.slice(0, end);
}
