/** How many connections a process has room for: each is an open file, and who has none left reaches nobody itself. */
import { CONNECTION_LIMIT, CONNECTION_LIMIT_MIN, OWN_FILES } from "./limits.ts";

const LIMIT_LINE = /^Max open files +(\d{1,15}|unlimited) /m;

/**
 * @param text  of /proc/self/limits
 * @returns     how many files the process may open, as it is now; undefined where the text does not say
 * Source: proc_pid_limits(5); the first number is the soft limit, which Node has raised to the hard one when it began
 */
export function parseOpenFilesLimit(text: string): number | undefined {
  const [, soft] = LIMIT_LINE.exec(text) ?? [];
  if (soft === undefined) return undefined;
  return soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
}

/** How many files so many listeners need to have as many connections as they take anywhere. */
export function openFilesWanted(listeners: number): number {
  return CONNECTION_LIMIT * listeners + OWN_FILES;
}

/**
 * @param openFiles  how many files the process may open; undefined where nobody knows
 * @returns          how many connections each of so many listeners may have
 */
export function connectionLimitOf(openFiles: number | undefined, listeners: number): number {
  if (openFiles === undefined || listeners === 0) return CONNECTION_LIMIT;
  const room = Math.floor((openFiles - OWN_FILES) / listeners);
  return Math.min(CONNECTION_LIMIT, Math.max(CONNECTION_LIMIT_MIN, room));
}
