/** `ros-agent help`, `ros-agent help COMMAND`, `ros-agent COMMAND --help`, `ros-agent help exit-codes`. */
import { Help } from "@oclif/core/help";

import { loadConfig } from "./cli-config.ts";
import { isCommandName } from "./command-table.ts";
import { describeExitCodes, EXIT_CODES_TOPIC } from "./exit-codes.ts";
import { unknownCommand } from "./unknown-command.ts";

/** @param subject  a command or `exit-codes`; undefined for the list of commands */
export async function showHelp(subject: string | undefined, where: "stdout" | "stderr"): Promise<void> {
  const stream = where === "stdout" ? process.stdout : process.stderr;
  if (subject === EXIT_CODES_TOPIC) {
    stream.write(describeExitCodes());
    return;
  }
  if (subject !== undefined && !isCommandName(subject)) throw unknownCommand(subject);
  const config = await loadConfig(subject);
  const help = new Help(config, { ...config.pjson.oclif.helpOptions, sendToStderr: where === "stderr" });
  await help.showHelp(subject === undefined ? [] : [subject]);
  if (subject === undefined) stream.write(describeExitCodes());
}
