/** From what oclif's parser says about a command line to our words for it. */
import { closest } from "@rancheros/agent/spelling";

import { CliError } from "./errors.ts";

/** What oclif adds to each sentence; our second line says it. */
const OCLIF_HINT = /\nSee more help with --help/;

/**
 * @param error    what a command threw
 * @param command  its name, for the help
 * @param flags    the flags that it has, without dashes
 * @returns a CliError if oclif's parser threw it, otherwise the error as it is
 */
export function usageFailure(error: unknown, command: string, flags: readonly string[]): unknown {
  // oclif gives no class for all of them; `parse` marks the parser's, `oclif` those that a flag's own parser throws.
  if (!(error instanceof Error) || !("parse" in error || "oclif" in error)) return error;
  const sentence = error.message
    .replace(OCLIF_HINT, "")
    .replaceAll(/\s*\n\s*/g, " ")
    .trim();
  const unknown = "flags" in error && Array.isArray(error.flags) ? error.flags : [];
  const meant = unknown
    .map((flag) => closest(String(flag).replace(/^-+/, ""), flags))
    .find((flag) => flag !== undefined);
  const help = `\`ros-agent help ${command}\` describes its flags and arguments.`;
  return new CliError("CLI_USAGE", sentence, {
    cause: error,
    mend: meant === undefined ? help : `Did you mean --${meant}? ${help}`,
  });
}
