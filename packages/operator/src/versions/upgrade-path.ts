/** Whether a machine may go from the version that it runs to another one. */
import { compareVersions, parseShortVersion, type Version } from "@rancheros/protocol/versions";
import type { VersionFacts } from "./version-facts.ts";

/** Why it may not. */
export interface PathRefusal {
  readonly reason: "VersionTooOld" | "VersionUnknown" | "Downgrade";
  readonly message: string;
}

/** @param running  as the machine reports it: a version, or an image with its tag */
export function runningVersion(running: string | undefined): Version | undefined {
  const tag = /[:@]([^:/@]+)$/.exec(running ?? "")?.[1] ?? running;
  return tag === undefined ? undefined : parseShortVersion(tag);
}

/**
 * A machine that does not say what it runs is no downgrade, as nobody could say so; but it has not shown either that it
 * is new enough.
 */
export function pathRefusal(
  { spec, version, minVersion }: Pick<VersionFacts, "spec" | "version" | "minVersion">,
  running: string | undefined,
  allowDowngrade: boolean,
): PathRefusal | undefined {
  const current = runningVersion(running);
  if (current === undefined) {
    if (minVersion === undefined) return undefined;
    const says = running === undefined || running === "" ? "nothing" : JSON.stringify(running.slice(0, 64));
    const message = `the machine must run ${spec.minVersion ?? ""} or newer, and says ${says} of what it runs`;
    return { reason: "VersionUnknown", message };
  }
  if (minVersion !== undefined && compareVersions(current, minVersion) < 0) {
    const message = `the machine runs ${running ?? ""}, and ${spec.version} takes machines from ${spec.minVersion ?? ""} on`;
    return { reason: "VersionTooOld", message };
  }
  if (allowDowngrade || compareVersions(version, current) >= 0) return undefined;
  const message = `the machine runs ${running ?? ""}, and ${spec.version} is older; set allowDowngrade if that is meant`;
  return { reason: "Downgrade", message };
}
