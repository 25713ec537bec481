/** Describes the commands from what oclif parses them by. */
import type { CommandDescription, FlagDescription } from "./command-description.ts";
import { COMMANDS, commandNames } from "./command-table.ts";
import { BIN } from "./program.ts";
import { SUMMARIES, type CommandName } from "./summaries.ts";

/** As oclif describes flags and arguments: as much of them as is looked at here. */
interface Described {
  readonly type?: unknown;
  readonly char?: unknown;
  readonly description?: unknown;
  readonly required?: unknown;
  readonly options?: unknown;
  readonly helpValue?: unknown;
  readonly default?: unknown;
}

/** Loads all commands. */
export function describeCommands(): Promise<readonly CommandDescription[]> {
  return Promise.all(commandNames().map((name) => describeCommand(name)));
}

async function describeCommand(name: CommandName): Promise<CommandDescription> {
  const { description = "", examples, args, flags, baseFlags } = await COMMANDS[name]();
  return {
    name,
    summary: SUMMARIES[name],
    description,
    examples: examples.map((example) => example.replace(`$ ${BIN}`, BIN)),
    args: Object.entries<Described>(args).map(([arg, described]) => ({
      name: arg,
      description: words(described.description) ?? "",
      required: described.required === true,
      options: texts(described.options),
    })),
    flags: Object.entries<Described>({ ...flags, ...baseFlags }).map(([flag, described]) =>
      describeFlag(flag, described),
    ),
  };
}

function describeFlag(name: string, described: Described): FlagDescription {
  const value = { name: words(described.helpValue) ?? "VALUE", options: texts(described.options) };
  return {
    name,
    char: words(described.char),
    description: words(described.description) ?? "",
    required: described.required === true,
    value: described.type === "boolean" ? undefined : value,
    fallback: described.type === "boolean" ? undefined : words(described.default),
  };
}

function words(value: unknown): string | undefined {
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}
