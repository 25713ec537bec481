/** What the status of a channel says after an attempt, and where there is none to be made. */
import type { ManagedOSVersionChannel, ManagedOSVersionChannelStatus, SyncReason } from "@rancheros/protocol/resources";
import { isCodedError } from "@rancheros/protocol/errors";
import { isDeepStrictEqual } from "node:util";
import type { CompiledChannel } from "./channel-source.ts";
import { spanRemarks } from "./channel-spans.ts";
import { timeText, withFindings, type Condition } from "./conditions.ts";
import { failuresAfter, syncRequest } from "./sync-schedule.ts";

type Status = ManagedOSVersionChannelStatus;
type Standing = "True" | "False" | "Unknown";

export interface SyncOutcome {
  readonly versions: number;
  readonly skipped: number;
  readonly outOfSync: number;
  readonly problems: readonly string[];
  /** Why there may be more than was read; undefined: it was all. */
  readonly whyPart?: string | undefined;
}

function conditionsOf(
  { metadata, status }: ManagedOSVersionChannel,
  standing: Standing,
  reason: SyncReason,
  message: string,
  nowMs: number,
): Condition[] {
  const finding = { type: "Synced", status: standing, reason, message };
  return withFindings(status?.conditions ?? [], [finding], metadata.generation, nowMs);
}

function attempted(channel: ManagedOSVersionChannel, nowMs: number): Status {
  const { metadata, status: { notBeforeTime: _, ...status } = {} } = channel;
  const request = syncRequest(channel);
  return {
    ...status,
    lastAttemptTime: timeText(nowMs),
    ...(metadata.generation === undefined ? {} : { syncedGeneration: metadata.generation }),
    ...(request === undefined ? {} : { syncRequest: request }),
  };
}

export function succeeded(channel: ManagedOSVersionChannel, outcome: SyncOutcome, nowMs: number): Status {
  const { versions, skipped, outOfSync, problems, whyPart } = outcome;
  const left = [
    ...spanRemarks(channel),
    ...(whyPart === undefined ? [] : [`a mirror's list, for which no version is marked or deleted: ${whyPart}`]),
    ...(skipped === 0 ? [] : [`${skipped} entries are not taken: ${problems.join("; ")}`]),
  ].join("; ");
  return {
    ...attempted(channel, nowMs),
    lastSyncedTime: timeText(nowMs),
    failedSynchronizationAttempts: 0,
    versions,
    skipped,
    outOfSync,
    conditions: conditionsOf(channel, "True", "Synchronized", left, nowMs),
  };
}

function reasonOf(error: unknown): SyncReason {
  if (!isCodedError(error)) return "FailedToSync";
  if (error.code === "CHANNEL_POD_NOT_MADE") return "FailedToCreatePod";
  return error.code === "CHANNEL_INVALID" ? "InvalidConfiguration" : "FailedToSync";
}

/** @param notBeforeMs  until when its server has asked to be left alone */
export function failed(
  channel: ManagedOSVersionChannel,
  error: unknown,
  nowMs: number,
  notBeforeMs: number | undefined,
): Status {
  const why = isCodedError(error)
    ? `${error.code}: ${error.message}; ${error.mend}`
    : "INTERNAL: see the operator's log";
  const message = [why, ...spanRemarks(channel)].join("; ");
  return {
    ...attempted(channel, nowMs),
    ...(notBeforeMs === undefined ? {} : { notBeforeTime: timeText(Math.ceil(notBeforeMs / 1_000) * 1_000) }),
    failedSynchronizationAttempts: failuresAfter(channel.status?.failedSynchronizationAttempts),
    conditions: conditionsOf(channel, "False", reasonOf(error), message, nowMs),
  };
}

/** While a pod is under way. */
export function underWay(channel: ManagedOSVersionChannel, nowMs: number): Status {
  return {
    ...channel.status,
    conditions: conditionsOf(channel, "Unknown", "Synchronizing", "its pod is under way", nowMs),
  };
}

/** What is to be stored of a channel that is not read; undefined where that is there, or where it is to be read. */
export function restingStatus(
  channel: ManagedOSVersionChannel,
  { isEnabled, problems }: CompiledChannel,
  nowMs: number,
): Status | undefined {
  const { status = {}, metadata } = channel;
  let conditions: Condition[];
  if (!isEnabled) conditions = conditionsOf(channel, "False", "ChannelDisabled", "spec.enabled is false", nowMs);
  else if (problems.length > 0) {
    conditions = conditionsOf(channel, "False", "InvalidConfiguration", problems.join("; "), nowMs);
  } else return undefined;
  const next = {
    ...status,
    ...(metadata.generation === undefined ? {} : { syncedGeneration: metadata.generation }),
    conditions,
  };
  return isDeepStrictEqual(next, status) ? undefined : next;
}
