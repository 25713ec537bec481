/** What the server of a channel has asked for: to be left alone for a while. It stands in the status, for the next leader. */
import { SYNC_ANNOTATION, type ManagedOSVersionChannel } from "@rancheros/protocol/resources";
import { syncRequest } from "./sync-schedule.ts";

export interface ServerWish {
  readonly untilMs: number;
  /** As it was at the last attempt. */
  readonly channel: ManagedOSVersionChannel;
}

/** Servers are heeded for an hour at most. What is further away was written by hand, or before a clock was set back. */
const LONGEST_WISH_MS = 3_600_000 + 60_000;

export function isOtherSpec({ metadata }: ManagedOSVersionChannel, other: ManagedOSVersionChannel): boolean {
  return metadata.uid !== other.metadata.uid || metadata.generation !== other.metadata.generation;
}

/** @returns the wish that the status tells of, as another replica has written it */
export function storedWish(channel: ManagedOSVersionChannel, nowMs: number): ServerWish | undefined {
  const { metadata, status = {} } = channel;
  const untilMs = Date.parse(status.notBeforeTime ?? "");
  if (Number.isNaN(untilMs) || untilMs > nowMs + LONGEST_WISH_MS || status.syncedGeneration === undefined)
    return undefined;
  const annotations = status.syncRequest === undefined ? {} : { [SYNC_ANNOTATION]: status.syncRequest };
  return {
    untilMs,
    channel: { ...channel, metadata: { ...metadata, generation: status.syncedGeneration, annotations } },
  };
}

/** Another spec may name another server; a person who asks is heard once, and then the wish counts again. */
export function leftAloneUntilMs(channel: ManagedOSVersionChannel, wish: ServerWish | undefined): number {
  if (wish === undefined || isOtherSpec(channel, wish.channel)) return 0;
  const isHeard = [undefined, channel.status?.syncRequest, syncRequest(wish.channel)].includes(syncRequest(channel));
  return isHeard ? wish.untilMs : 0;
}
