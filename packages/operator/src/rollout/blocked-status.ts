/**
 * The condition Blocked of an image about which nothing is decided, since nobody knows which machines an older one has.
 * All else of its status stands. Only the replica that leads writes it: another one may know the older image better, and
 * goes on with this one.
 */
import type { ManagedOSImageStatus } from "@rancheros/protocol/resources";
import type { Waiting } from "@rancheros/protocol/upgrade";
import { timeText } from "./time-text.ts";

type Status = ManagedOSImageStatus;
type Condition = NonNullable<Status["conditions"]>[number];

const TYPE = "Blocked";
const MESSAGE_MAX = 1_024;

export function blockedMessage({ message }: Waiting): string {
  // Half a character is stored as another one, and would be written again and again.
  return `nothing is decided about this image: ${message}`.slice(0, MESSAGE_MAX).toWellFormed();
}

export function saysBlocked(status: Status | undefined): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === TYPE && is === "True") === true;
}

/** @param why  undefined where it is blocked no more: of one that never was, nothing is said */
export function withBlocked(
  status: Status,
  why: Waiting | undefined,
  generation: number | undefined,
  nowMs: number,
): Status {
  const { conditions = [] } = status;
  const before = conditions.find(({ type }) => type === TYPE);
  if (why === undefined && before === undefined) return status;
  const is = why === undefined ? "False" : "True";
  const condition: Condition = {
    type: TYPE,
    status: is,
    reason: why?.reason ?? "NotBlocked",
    message: why === undefined ? "" : blockedMessage(why),
    lastTransitionTime: before?.status === is ? (before.lastTransitionTime ?? timeText(nowMs)) : timeText(nowMs),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
  // In its place: another order of them would be another status.
  if (before === undefined) return { ...status, conditions: [condition, ...conditions] };
  return { ...status, conditions: conditions.map((one) => (one === before ? condition : one)) };
}
