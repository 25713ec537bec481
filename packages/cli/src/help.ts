/** `ros-agent help`, `ros-agent help COMMAND`, `ros-agent COMMAND --help`, `ros-agent help exit-codes`. */
import { Help } from "@oclif/core/help";

import { loadConfig } from "./cli-config.ts";
import { commandNames, isCommandName, isTopic } from "./command-table.ts";
import { BIN } from "./program.ts";
import { SUMMARIES } from "./summaries.ts";
import { describeExitCodes, EXIT_CODES_TOPIC } from "./exit-codes.ts";
import { unknownCommand } from "./unknown-command.ts";

/** @param subject  a command, the first word of some, or `exit-codes`; undefined for the list of commands */
export async function showHelp(subject: string | undefined, where: "stdout" | "stderr"): Promise<void> {
  const stream = where === "stdout" ? process.stdout : process.stderr;
  if (subject === EXIT_CODES_TOPIC) {
    stream.write(describeExitCodes());
    return;
  }
  if (subject !== undefined && isTopic(subject)) {
    stream.write(describeTopic(subject));
    return;
  }
  if (subject !== undefined && !isCommandName(subject)) throw unknownCommand(subject);
  const config = await loadConfig(subject);
  const help = new Help(config, { ...config.pjson.oclif.helpOptions, sendToStderr: where === "stderr" });
  await help.showHelp(subject === undefined ? [] : [subject]);
  if (subject === undefined) stream.write(describeExitCodes());
}

function describeTopic(topic: string): string {
  const names = commandNames().filter((name) => name.startsWith(`${topic} `));
  const width = Math.max(...names.map((name) => name.length)) + 2;
  const lines = names.map((name) => `  ${name.padEnd(width)}${SUMMARIES[name]}`);
  return `USAGE\n  $ ${BIN} ${topic} COMMAND\n\nCOMMANDS\n${lines.join("\n")}\n\n\`${BIN} help ${topic} COMMAND\` describes one of them.\n`;
}
