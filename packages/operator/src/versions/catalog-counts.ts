/** How channels stand, and what their versions are good for: what is shown to who watches the operator. */
import {
  NO_LONGER_IN_SYNC_ANNOTATION,
  type ManagedOSVersion,
  type ManagedOSVersionChannel,
} from "@rancheros/protocol/resources";
import { compileChannel } from "./channel-source.ts";
import { LATEST_SPREAD, pauseMs } from "./sync-schedule.ts";

/** synced: the last attempt read it. failed: it did not, also while the next one is under way. waiting: not tried yet, or under way after none that failed. off: nobody wants it read. */
type ChannelState = "synced" | "failed" | "waiting" | "off";

export interface ChannelCounts {
  readonly states: Readonly<Record<ChannelState, number>>;
  /** Since the one was read that was read least lately, of those that are to be read; since it was made where it never was. */
  readonly ageMs: number;
  /** How long the one that waits longest should have been read. */
  readonly overdueMs: number;
}

/** out_of_sync: no longer in its channel, whatever else it is good for. */
export type VersionCounts = Readonly<Record<"usable" | "unusable" | "out_of_sync", number>>;

function stateOf({ status, spec }: ManagedOSVersionChannel): ChannelState {
  if (spec.enabled === false) return "off";
  const synced = status?.conditions?.find(({ type }) => type === "Synced")?.status;
  if (synced === "True") return "synced";
  return synced === "False" || (status?.failedSynchronizationAttempts ?? 0) > 0 ? "failed" : "waiting";
}

function sinceMs({ metadata, status }: ManagedOSVersionChannel): number {
  return Date.parse(status?.lastSyncedTime ?? metadata.creationTimestamp ?? "");
}

/** When it should have been read by its interval, whatever anybody has asked for since. */
function wantedMs(channel: ManagedOSVersionChannel): number {
  const { intervalMs, source } = compileChannel(channel);
  if (source === undefined) return Number.NaN;
  const { lastAttemptTime, failedSynchronizationAttempts = 0 } = channel.status ?? {};
  if (lastAttemptTime === undefined) return Date.parse(channel.metadata.creationTimestamp ?? "");
  return Date.parse(lastAttemptTime) + pauseMs(intervalMs, failedSynchronizationAttempts) * LATEST_SPREAD;
}

/** @param channels  all that there are */
export function channelCounts(channels: Iterable<ManagedOSVersionChannel>, nowMs: number): ChannelCounts {
  const states = { synced: 0, failed: 0, waiting: 0, off: 0 };
  let [ageMs, overdueMs] = [0, 0];
  for (const channel of channels) {
    const state = stateOf(channel);
    states[state] += 1;
    if (state === "off" || channel.metadata.deletionTimestamp !== undefined) continue;
    const [since, wanted] = [sinceMs(channel), wantedMs(channel)];
    if (!Number.isNaN(since)) ageMs = Math.max(ageMs, nowMs - since);
    if (!Number.isNaN(wanted)) overdueMs = Math.max(overdueMs, nowMs - wanted);
  }
  return { states, ageMs, overdueMs };
}

/** @param versions  all that there are; one whose status says nothing yet counts as usable */
export function versionCounts(versions: Iterable<ManagedOSVersion>): VersionCounts {
  const counts = { usable: 0, unusable: 0, out_of_sync: 0 };
  for (const { metadata, status } of versions) {
    const isUsable = status?.conditions?.find(({ type }) => type === "Usable")?.status !== "False";
    const isGone = metadata.annotations?.[NO_LONGER_IN_SYNC_ANNOTATION] === "true";
    counts[isGone ? "out_of_sync" : isUsable ? "usable" : "unusable"] += 1;
  }
  return counts;
}
