/** The error for a command that there is not. */
import { closest } from "@rancheros/agent/spelling";

import { commandNames } from "./command-table.ts";
import { CliError } from "./errors.ts";
import { BIN } from "./program.ts";

export function unknownCommand(name: string): CliError {
  const meant = closest(name, commandNames());
  const list = `\`${BIN} help\` lists the commands.`;
  return new CliError("CLI_COMMAND_UNKNOWN", `there is no command ${JSON.stringify(name)}`, {
    mend: meant === undefined ? list : `Did you mean \`${BIN} ${meant}\`? ${list}`,
  });
}
