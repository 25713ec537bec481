/** What a shell makes of a variable that is not set is no path, and a root that is not there no machine. */
import { stat } from "node:fs/promises";

import { isAbsent } from "@rancheros/protocol/errors";

import { CliError } from "./errors.ts";

const PATHS: ReadonlySet<unknown> = new Set(["FILE", "FOLDER"]);

/**
 * @param values   of flags or arguments, by their names
 * @param isPath   whether the one of this name names a file or a folder
 * @throws CliError CLI_USAGE: an empty path would mean the folder in which the command was called
 */
export function refuseEmpty(values: Readonly<Record<string, unknown>>, isPath: (name: string) => boolean): void {
  const empty = Object.keys(values).find((name) => values[name] === "" && isPath(name));
  if (empty !== undefined) throw new CliError("CLI_USAGE", `${empty} is empty, and has to name a file or a folder`);
}

/** Whether a flag's value is a path. */
export function takesPath(flag: object | undefined): boolean {
  return flag !== undefined && "helpValue" in flag && PATHS.has(flag.helpValue);
}

/** @throws CliError CLI_FILE_UNREADABLE: a file that is named and not there would count as one that says nothing */
export async function requireFile(flag: string, path: string | undefined): Promise<void> {
  if (path === undefined) return;
  const isThere = await stat(path).then(
    () => true,
    (error: unknown) => !isAbsent(error),
  );
  if (!isThere) throw new CliError("CLI_FILE_UNREADABLE", `--${flag}: there is no file ${path}`, { details: { path } });
}

/** @throws CliError CLI_FILE_UNREADABLE */
export async function requireRoot(path: string): Promise<void> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) return;
  throw new CliError("CLI_FILE_UNREADABLE", `--root: there is no folder ${path}`, { details: { path } });
}
