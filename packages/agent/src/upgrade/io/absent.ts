/** Tells what is not there from what is there and answers with an error, as on a disk that fails. */
import { UpgradeError } from "../errors.ts";

/** Nothing is there, or something that is no folder is on the way. */
const ABSENT = new Set(["ENOENT", "ENOTDIR"]);

/** Of a failure to look at something: undefined where it says that nothing is there. @throws UpgradeError UPGRADE_UNREADABLE */
export function absentOr(path: string, cause: unknown): undefined {
  const code = codeOf(cause);
  if (ABSENT.has(code)) return undefined;
  throw new UpgradeError("UPGRADE_UNREADABLE", `${path} cannot be read (${code})`, { cause, details: { path } });
}

export function codeOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
}
