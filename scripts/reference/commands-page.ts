/** The reference of ros-agent's commands, made of what oclif parses them by. */
import type { CommandDescription, FlagDescription } from "../../packages/cli/src/command-description.ts";
import { exitCodesInOrder } from "../../packages/cli/src/exit-codes.ts";
import { BIN } from "../../packages/cli/src/program.ts";
import { alignedTable, cell } from "./markdown-table.ts";

/** @param note  the line that says where the page comes from */
export function commandsPage(commands: readonly CommandDescription[], note: string): string {
  const list = commands.map(({ name, summary }) => [
    `[\`${name}\`](#${`${BIN} ${name}`.replaceAll(" ", "-")})`,
    cell(summary),
  ]);
  const exits = exitCodesInOrder().map(({ code, meaning }) => [String(code), cell(meaning)]);
  const parts = [
    `# ${BIN}`,
    note,
    `The program on a node. Data goes to standard output, remarks go to standard error. \`${BIN} COMMAND --help\` tells what stands here, and \`${BIN} man | man -l -\` shows it as a manual page.`,
    alignedTable(["command", "what it does"], list),
    "`--json` works with every command: one JSON document on standard output, for errors too, with the code of [errors](../errors.md).",
    ...commands.map((command) => commandText(command)),
    `## Exit codes\n\n${alignedTable(["code", "meaning"], exits)}`,
  ];
  return `${parts.join("\n\n")}\n`;
}

function commandText(command: CommandDescription): string {
  const args = command.args.map(({ name, required }) => (required ? name.toUpperCase() : `[${name.toUpperCase()}]`));
  const usage = [BIN, command.name, ...args, "[FLAGS]"].join(" ");
  const argRows = command.args.map(({ name, description, options }) => [
    `\`${name.toUpperCase()}\``,
    cell([description, options.length === 0 ? "" : `One of ${options.join(", ")}.`].filter(Boolean).join(" ")),
  ]);
  const flagRows = command.flags.filter(({ name }) => name !== "json").map((flag) => flagRow(flag));
  const parts = [
    `## ${BIN} ${command.name}`,
    cell(command.summary),
    cell(command.description),
    `\`\`\`text\n${usage}\n\`\`\``,
    argRows.length + flagRows.length === 0
      ? ""
      : alignedTable(["argument or flag", "what it is"], [...argRows, ...flagRows]),
    `\`\`\`sh\n${command.examples.join("\n")}\n\`\`\``,
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

function flagRow({ name, char, description, required, value, fallback }: FlagDescription): readonly string[] {
  const shown = value === undefined ? "" : `=${value.options.join("|") || value.name}`;
  const sentences = [
    required ? "**Required.**" : "",
    cell(description),
    fallback === undefined || fallback === "" ? "" : `Default: \`${fallback}\`.`,
  ];
  return [
    `\`${char === undefined ? "" : `-${char}, `}--${name}${shown.replaceAll("|", "\\|")}\``,
    sentences.filter((sentence) => sentence !== "").join(" "),
  ];
}
