/**
 * The manual page, ros-agent(1).
 * Source: man(7), groff_man(7); the subset that mandoc knows too
 */
import type { CommandDescription, FlagDescription } from "./command-description.ts";
import type { ExitCode } from "./exit-codes.ts";

export interface ManPage {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly commands: readonly CommandDescription[];
  /** In the order in which they are to stand. */
  readonly exitCodes: readonly ExitCode[];
}

export function manPage({ name, version, description, commands, exitCodes }: ManPage): string {
  const lines = [
    `.TH ${name.toUpperCase()} 1 "" "${name} ${version}" "RancherOS"`,
    ".SH NAME",
    `${name} \\- ${escaped(lowerFirst(description))}`,
    ".SH SYNOPSIS",
    `.B ${escaped(name)}`,
    ".I COMMAND",
    "[ARGUMENTS] [FLAGS]",
    ".SH DESCRIPTION",
    escaped(description),
    "Data goes to standard output, remarks go to standard error.",
    ".SH COMMANDS",
    ...commands.flatMap((command) => commandLines(name, command)),
    ".SH EXIT STATUS",
    ...exitCodes.flatMap(({ code, meaning }) => [".TP", `.B ${code}`, escaped(meaning)]),
  ];
  return `${lines.join("\n")}\n`;
}

function commandLines(program: string, command: CommandDescription): readonly string[] {
  const args = command.args.map(({ name, required }) => (required ? name.toUpperCase() : `[${name.toUpperCase()}]`));
  return [
    `.SS ${escaped([program, command.name, ...args, "[FLAGS]"].join(" "))}`,
    escaped(command.summary),
    ...(command.description === "" ? [] : [".PP", ...command.description.split("\n").map(escaped)]),
    ...command.args.flatMap(({ name, description }) => [".TP", `.I ${name.toUpperCase()}`, escaped(description)]),
    ...command.flags.flatMap((flag) => flagLines(flag)),
    ".PP",
    command.examples.length > 1 ? "Examples:" : "Example:",
    ".PP",
    ".RS",
    ".nf",
    ...command.examples.flatMap((example) => example.split("\n").map(escaped)),
    ".fi",
    ".RE",
  ];
}

function flagLines({ name, char, description, required, value, fallback }: FlagDescription): readonly string[] {
  const names = [...(char === undefined ? [] : [`-${char}`]), `--${name}`].map((one) => `\\fB${escaped(one)}\\fR`);
  const shown = value === undefined ? "" : ` \\fI${escaped(value.options.join("|") || value.name)}\\fR`;
  const notes = [...(required ? ["Required."] : []), ...(fallback === undefined ? [] : [`Default: ${fallback}.`])];
  return [".TP", `${names.join(", ")}${shown}`, [description, ...notes].map(escaped).join(" ")];
}

/** A line that begins with a dot or a quote would be a request; a plain dash may become a hyphen that nobody can paste. */
function escaped(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^(?=[.'])/, "\\&");
}

function lowerFirst(text: string): string {
  return `${text.slice(0, 1).toLowerCase()}${text.slice(1).replace(/\.$/, "")}`;
}
