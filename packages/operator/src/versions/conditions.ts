/** Conditions of versions and channels: those of other writers stay, and a time changes only where its status does. */
import type { ManagedOSVersionStatus } from "@rancheros/protocol/resources";

export type Condition = NonNullable<ManagedOSVersionStatus["conditions"]>[number];

/** What is found out now. */
export interface Finding {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
}

const MESSAGE_MAX = 1_024;

export function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(/[.]\d+Z$/, "Z");
}

/** @param old  conditions as they are stored; those of the types in `gone` are taken away */
export function withFindings(
  old: readonly Condition[],
  found: readonly Finding[],
  generation: number | undefined,
  nowMs: number,
  gone: readonly string[] = [],
): Condition[] {
  const now = timeText(nowMs);
  const ours = found.map((one): Condition => {
    const before = old.find(({ type }) => type === one.type);
    const lastTransitionTime = before?.status === one.status ? (before.lastTransitionTime ?? now) : now;
    return {
      ...one,
      // Half a character is stored as another one, and would be written again and again.
      message: one.message.slice(0, MESSAGE_MAX).toWellFormed(),
      lastTransitionTime,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    };
  });
  const replaced = new Set([...found.map(({ type }) => type), ...gone]);
  return [...old.filter(({ type }) => !replaced.has(type)), ...ours];
}
