/** The base of all commands: what they are described by, --json, output, and the way in. */
import { boolean } from "@oclif/core/flags";
import { parse, type ArgInput, type FlagInput, type Input, type ParserOutput } from "@oclif/core/parser";

import { refuseEmpty, requireRoot, takesPath } from "./check-paths.ts";
import { jsonDocument } from "./json-document.ts";
import type { CommandSurroundings } from "./surroundings.ts";

type Values = Record<string, unknown>;

/** A command that can be made: the class, not abstract, with its statics. */
export type CommandClass = Omit<typeof AgentCommand, "prototype"> &
  (new (args: readonly string[], surroundings: CommandSurroundings) => AgentCommand);

/**
 * What oclif's Command is to oclif, with its flags, arguments, parser and help. Not derived from it: that brings plug-ins,
 * themes and a configuration of its own along, which cost more time than the commands themselves.
 */
export abstract class AgentCommand {
  static id = "";
  static summary = "";
  static description: string | undefined = undefined;
  static usage: string | undefined = undefined;
  static examples: string[] = [];
  static aliases: string[] = [];
  static args: ArgInput = {};
  static flags: FlagInput = {};
  static baseFlags = {
    json: boolean({ description: "Print one JSON document, for errors too.", helpGroup: "GLOBAL" }),
  };

  readonly #args: readonly string[];
  protected readonly surroundings: CommandSurroundings;

  constructor(args: readonly string[], surroundings: CommandSurroundings) {
    this.#args = args;
    this.surroundings = surroundings;
  }

  /** Throws what goes wrong as it is, and leaves telling it to the caller. */
  abstract run(): Promise<void>;

  /** @param command  the class itself, for the types of its flags and arguments */
  protected async parse<Flags extends Values, BaseFlags extends Values, Args extends Values>(
    command: Input<Flags, BaseFlags, Args>,
  ): Promise<ParserOutput<Flags, BaseFlags, Args>> {
    const flags = Object.assign({}, command.baseFlags, command.flags);
    const parsed = await parse<Flags, BaseFlags, Args>([...this.#args], { ...command, flags });
    refuseEmpty(parsed.args, (name) => name.startsWith("file"));
    refuseEmpty(parsed.flags, (name) => takesPath(flags[name]));
    const { root } = parsed.flags;
    if (typeof root === "string") await requireRoot(root);
    return parsed;
  }

  /** Data, for stdout. */
  protected print(text: string): void {
    process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
  }

  protected printJson(value: unknown): void {
    this.print(jsonDocument(value));
  }

  /** For whoever watches, on stderr. */
  protected remark(text: string): void {
    process.stderr.write(`${text}\n`);
  }
}
