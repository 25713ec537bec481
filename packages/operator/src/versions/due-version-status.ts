/** The conditions of a ManagedOSVersion: whether it can be used, and whether its channel still has it. */
import {
  CHANNEL_LABEL,
  NO_LONGER_IN_SYNC_ANNOTATION,
  type ManagedOSVersion,
  type ManagedOSVersionStatus,
} from "@rancheros/protocol/resources";
import { isDeepStrictEqual } from "node:util";
import { withFindings, type Finding } from "./conditions.ts";
import { readVersion } from "./version-facts.ts";

function usable({ spec }: ManagedOSVersion): Finding {
  const reading = readVersion(spec);
  if (reading.ok) return { type: "Usable", status: "True", reason: "Usable", message: "" };
  return { type: "Usable", status: "False", reason: reading.reason, message: reading.message };
}

/** Of a version that somebody made by hand nothing is said. */
function inSync({ metadata }: ManagedOSVersion): readonly Finding[] {
  const channel = metadata.labels?.[CHANNEL_LABEL];
  if (channel === undefined) return [];
  if (metadata.annotations?.[NO_LONGER_IN_SYNC_ANNOTATION] !== "true") {
    return [{ type: "InSync", status: "True", reason: "InChannel", message: "" }];
  }
  const message = `ManagedOSVersionChannel ${channel} does not have it any more`;
  return [{ type: "InSync", status: "False", reason: "NoLongerInChannel", message }];
}

/** @returns what is to be stored; undefined where that is there already */
export function dueVersionStatus(version: ManagedOSVersion, nowMs: number): ManagedOSVersionStatus | undefined {
  const old = version.status?.conditions ?? [];
  const found = [usable(version), ...inSync(version)];
  const next = withFindings(old, found, version.metadata.generation, nowMs, ["InSync"]);
  const isSame = next.length === old.length && next.every((one) => old.some((other) => isDeepStrictEqual(one, other)));
  return isSame ? undefined : { conditions: next };
}
