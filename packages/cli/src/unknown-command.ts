/** The error for a command that there is not. */
import { closest } from "@rancheros/agent/spelling";

import { commandNames, isTopic } from "./command-table.ts";
import { CliError } from "./errors.ts";
import { BIN } from "./program.ts";

/** @param name  as many words as were taken for a command */
export function unknownCommand(name: string): CliError {
  if (isTopic(name)) {
    const names = commandNames().filter((one) => one.startsWith(`${name} `));
    return new CliError("CLI_COMMAND_UNKNOWN", `${name} is the first word of commands, and none by itself`, {
      mend: `Give one of ${names.join(", ")}; \`${BIN} help ${name}\` says what they do.`,
    });
  }
  const meant = closest(name, commandNames());
  const list = `\`${BIN} help\` lists the commands.`;
  return new CliError("CLI_COMMAND_UNKNOWN", `there is no command ${JSON.stringify(name)}`, {
    mend: meant === undefined ? list : `Did you mean \`${BIN} ${meant}\`? ${list}`,
  });
}
