/** From arguments to an exit code. The only place that tells errors. */
import { AgentCommand } from "./agent-command.ts";
import { AlreadyTold } from "./already-told.ts";
import { loadConfig } from "./cli-config.ts";
import { COMMANDS, isCommandName } from "./command-table.ts";
import { codedError, describeError, errorJson } from "./describe-error.ts";
import { CliError } from "./errors.ts";
import { SUCCESS, exitCodeOf } from "./exit-codes.ts";
import { showHelp, wantsHelp } from "./help.ts";
import { BIN } from "./program.ts";
import type { CommandName } from "./summaries.ts";
import type { Surroundings } from "./surroundings.ts";
import { unknownCommand } from "./unknown-command.ts";
import { usageFailure } from "./usage-failure.ts";

/** @returns the exit code; never throws */
export async function runCli(args: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    await dispatch(args, surroundings);
    return SUCCESS.code;
  } catch (thrown) {
    if (thrown instanceof AlreadyTold) return exitCodeOf(thrown.failure);
    const error = codedError(thrown);
    const withStack = (surroundings.environment["DEBUG"] ?? "") !== "";
    if (wantsJson(args)) process.stdout.write(`${JSON.stringify(errorJson(error), undefined, 2)}\n`);
    if (!wantsJson(args) || withStack) process.stderr.write(describeError(error, { withStack }));
    return exitCodeOf(error);
  }
}

async function dispatch(args: readonly string[], surroundings: Surroundings): Promise<void> {
  const [first, ...rest] = args;
  if (first === undefined) {
    await showHelp(undefined, "stderr");
    throw new CliError("CLI_USAGE", "no command was given", { mend: `\`${BIN} help COMMAND\` describes one of them.` });
  }
  if (["help", "--help", "-h"].includes(first))
    return showHelp(
      rest.find((arg) => !arg.startsWith("-")),
      "stdout",
    );
  const name = ["--version", "-v", "-V"].includes(first) ? "version" : first;
  if (!isCommandName(name)) throw unknownCommand(name);
  if (wantsHelp(rest)) return showHelp(name, "stdout");
  return runCommand(name, rest, surroundings);
}

async function runCommand(name: CommandName, args: readonly string[], surroundings: Surroundings): Promise<void> {
  const [Concrete, config] = await Promise.all([COMMANDS[name](), loadConfig(undefined)]);
  try {
    await AgentCommand.start(Concrete, args, config, surroundings);
  } catch (error) {
    throw usageFailure(error, name, Object.keys({ ...Concrete.flags, ...Concrete.baseFlags }));
  }
}

/** Looked for by hand, as an unreadable command line too is to be told as JSON. */
function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end === -1 ? args : args.slice(0, end)).includes("--json");
}
