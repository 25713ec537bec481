/** What a command gets from the process that it runs in. */
import type { CommandDescription } from "./command-description.ts";

export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Given at the first Ctrl-C or SIGTERM: end soon, and leave nothing behind. */
  readonly signal: AbortSignal;
}

export interface CommandSurroundings extends Surroundings {
  /** All commands of the program. */
  readonly describeCommands: () => Promise<readonly CommandDescription[]>;
}
