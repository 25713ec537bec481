/** The base of all commands: --json, output, and the way in. */
import { Command } from "@oclif/core/command";
import { boolean } from "@oclif/core/flags";
import type { Config } from "@oclif/core/config";

import type { Surroundings } from "./surroundings.ts";

/** A command that can be made: the class, not abstract, with oclif's statics. */
export type CommandClass = Omit<typeof Command, "prototype"> & (new (argv: string[], config: Config) => AgentCommand);

export abstract class AgentCommand extends Command {
  static override baseFlags = {
    json: boolean({ description: "Print one JSON document, for errors too.", helpGroup: "GLOBAL" }),
  };

  #surroundings: Surroundings | undefined;

  /** Runs a command; throws what goes wrong as it is, and leaves telling it to the caller. */
  static async start(
    Concrete: CommandClass,
    args: readonly string[],
    config: Config,
    surroundings: Surroundings,
  ): Promise<void> {
    const command = new Concrete([...args], config);
    command.#surroundings = surroundings;
    // Not oclif's static run: that loads its configuration a second time, and prints results and errors in its own way.
    await command.run();
  }

  protected get surroundings(): Surroundings {
    if (this.#surroundings === undefined) throw new TypeError("a command was run without AgentCommand.start");
    return this.#surroundings;
  }

  /** Data, for stdout. */
  protected print(text: string): void {
    process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
  }

  /** One document; what is undefined is there as null, so that the fields are always the same. */
  protected printJson(value: unknown): void {
    this.print(JSON.stringify(value, (_key, field: unknown) => (field === undefined ? null : field), 2));
  }

  /** For whoever watches, on stderr. */
  protected remark(text: string): void {
    process.stderr.write(`${text}\n`);
  }
}
