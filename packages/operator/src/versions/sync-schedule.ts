/** When a channel is to be read: at once where its spec or a person says so, then by its interval, sooner after an error. */
import { createHash } from "node:crypto";
import { SYNC_ANNOTATION, type ManagedOSVersionChannel } from "@rancheros/protocol/resources";
import { UNREADABLE } from "../controller/index.ts";

const FIRST_RETRY_MS = 4_000;
const LONGEST_RETRY_MS = 512_000;
/** Then it is read by its interval again. */
const RETRIES_MAX = 8;
/** Nobody counts further: more has been written by hand, and one more may be none that Kubernetes stores. */
const FAILURES_COUNTED_MAX = 1_000_000_000;
const SPREAD = 0.1;
/** So many times its pause a channel waits at most. */
export const LATEST_SPREAD = 1 + SPREAD;
export const SYNC_REQUEST_MAX_CHARACTERS = 256;

export function syncRequest({ metadata }: ManagedOSVersionChannel): string | undefined {
  return metadata.annotations?.[SYNC_ANNOTATION]?.slice(0, SYNC_REQUEST_MAX_CHARACTERS);
}

/** Between 0.9 and 1.1, the same for the same channel and time: looking again moves nothing. */
function spreadOf(uid: string, attempt: string): number {
  const [byte = 128] = createHash("sha256").update(`${uid}${attempt}`).digest();
  return 1 + SPREAD * ((byte - 127.5) / 127.5);
}

/** Failures in a row, when one comes on top of what the status says. */
export function failuresAfter(failures: number | undefined): number {
  return Math.min(Math.max(0, failures ?? 0), FAILURES_COUNTED_MAX) + 1;
}

/** @returns milliseconds after the last attempt */
export function pauseMs(intervalMs: number, failures: number): number {
  if (failures <= 0 || failures > RETRIES_MAX) return intervalMs;
  return Math.min(intervalMs, LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
}

/** @returns when it is to be read, in milliseconds of the time; 0 for at once */
export function dueAtMs(channel: ManagedOSVersionChannel, intervalMs: number, nowMs: number): number {
  const { metadata, status = {} } = channel;
  const attempt = status.lastAttemptTime ?? "";
  const lastMs = Date.parse(attempt);
  if (Number.isNaN(lastMs) || status.syncedGeneration !== metadata.generation) return 0;
  if (syncRequest(channel) !== undefined && syncRequest(channel) !== status.syncRequest) return 0;
  // Written by an operator that could not read it; this one can.
  if (status.conditions?.some(({ type, reason }) => type === "Synced" && reason === UNREADABLE) === true) return 0;
  // A clock that was set back lets nothing wait for what is long past.
  if (lastMs > nowMs + 60_000) return 0;
  return lastMs + pauseMs(intervalMs, status.failedSynchronizationAttempts ?? 0) * spreadOf(metadata.uid, attempt);
}
