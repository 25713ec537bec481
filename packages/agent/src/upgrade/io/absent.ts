/** Tells what is not there from what is there and answers with an error, as on a disk that fails. */
import { isAbsent, systemCode } from "@rancheros/protocol/errors";
import { UpgradeError } from "../errors.ts";

/** Of a failure to look at something: undefined where it says that nothing is there. @throws UpgradeError UPGRADE_UNREADABLE */
export function absentOr(path: string, cause: unknown): undefined {
  if (isAbsent(cause)) return undefined;
  const code = systemCode(cause) || "unknown";
  throw new UpgradeError("UPGRADE_UNREADABLE", `${path} cannot be read (${code})`, { cause, details: { path } });
}
