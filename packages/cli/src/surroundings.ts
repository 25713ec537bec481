/** What a command gets from the process that it runs in. */

export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Given at the first Ctrl-C or SIGTERM: end soon, and leave nothing behind. */
  readonly signal: AbortSignal;
}
