/** The commands in the form that completions and the manual page are made of. */
import type { CommandName } from "./summaries.ts";

export interface FlagDescription {
  readonly name: string;
  /** One letter, without dash. */
  readonly char: string | undefined;
  readonly description: string;
  readonly required: boolean;
  /** Undefined: the flag takes no value. */
  readonly value: ValueDescription | undefined;
  readonly fallback: string | undefined;
}

export interface ValueDescription {
  /** What it is, in one word: FILE, DURATION. */
  readonly name: string;
  /** All that it may be; empty: anything. */
  readonly options: readonly string[];
}

export interface ArgumentDescription {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
  readonly options: readonly string[];
}

export interface CommandDescription {
  readonly name: CommandName;
  readonly summary: string;
  readonly description: string;
  readonly examples: readonly string[];
  readonly args: readonly ArgumentDescription[];
  readonly flags: readonly FlagDescription[];
}
