/** oclif's idea of this program, for its help; made without looking for plug-ins and command files on the disk. */
import type { Command } from "@oclif/core/command";
import { Config, Plugin } from "@oclif/core/config";

import { COMMANDS, commandNames } from "./command-table.ts";
import { PROGRAM } from "./program.ts";
import { SUMMARIES, type CommandName } from "./summaries.ts";

/** A plug-in that has its commands in a table. */
class TablePlugin extends Plugin {
  readonly #loaded: CommandName | undefined;

  constructor(root: string, loaded: CommandName | undefined) {
    super({ root, isRoot: true, ignoreManifest: true, pjson: structuredClone(PROGRAM) });
    this.#loaded = loaded;
  }

  override async load(): Promise<void> {
    await super.load();
    this.commands = await Promise.all(commandNames().map((name) => loadable(name, name === this.#loaded)));
  }
}

/**
 * @param loaded  the command whose flags and arguments are needed; of the others only the summary is there
 */
export async function loadConfig(loaded: CommandName | undefined): Promise<Config> {
  const root = import.meta.dirname;
  const plugin = new TablePlugin(root, loaded);
  await plugin.load();
  const config = new Config({ root, plugins: new Map([[plugin.name, plugin]]) });
  await config.load();
  return config;
}

async function loadable(id: CommandName, isNeeded: boolean): Promise<Command.Loadable> {
  const bare = { id, summary: SUMMARIES[id], hidden: false, aliases: [], hiddenAliases: [], args: {}, flags: {} };
  // Commands are run by runCli; this is for help only.
  const load = (): Promise<never> => Promise.reject(new TypeError("commands are not run by oclif's configuration"));
  if (!isNeeded) return { ...bare, load };
  const { description, examples, usage, args, flags, baseFlags } = await COMMANDS[id]();
  return {
    ...bare,
    load,
    ...(description === undefined ? {} : { description }),
    ...(examples === undefined ? {} : { examples }),
    ...(usage === undefined ? {} : { usage }),
    args: named(args),
    flags: withOptions(named({ ...flags, ...baseFlags })),
  };
}

/** oclif leaves out which values there are where a word stands for them. */
function withOptions<Item extends Command.Flag.Any>(flags: Readonly<Record<string, Item>>): Record<string, Item> {
  return Object.fromEntries(
    Object.entries(flags).map(([name, flag]) => {
      if (flag.type !== "option" || flag.options === undefined || flag.helpValue === undefined) return [name, flag];
      return [
        name,
        { ...flag, description: `${flag.description ?? ""} One of ${flag.options.join(", ")}.`.trimStart() },
      ];
    }),
  );
}

/** oclif's help wants each flag and argument to know its own name. */
function named<Item extends object>(items: Readonly<Record<string, Item>>): Record<string, Item & { name: string }> {
  return Object.fromEntries(Object.entries(items).map(([name, item]) => [name, { ...item, name }]));
}
