/** Since when the canaries of the plan have succeeded: those of the selector that is set now, not of an earlier one. */
import type { ManagedOSImageStatus } from "@rancheros/protocol/resources";
import type { CompiledImage } from "./compile-image.ts";
import type { RolloutView } from "./rollout-view.ts";
import type { Tally } from "./tally.ts";
import { notAhead, timeText } from "./time-text.ts";

export type CanariesDone = Pick<ManagedOSImageStatus, "canariesDoneAt" | "canariesDoneFor">;

function stored({ object: { status = {} } }: CompiledImage): CanariesDone {
  const { canariesDoneAt, canariesDoneFor } = status;
  return {
    ...(canariesDoneAt === undefined ? {} : { canariesDoneAt }),
    ...(canariesDoneFor === undefined ? {} : { canariesDoneFor }),
  };
}

/** @returns undefined where they have not, or where other canaries have. Operators before this one did not say which: these. */
export function canariesDoneSince(image: CompiledImage): string | undefined {
  const { canariesDoneAt, canariesDoneFor } = stored(image);
  if (image.canary === undefined) return undefined;
  return canariesDoneFor === undefined || canariesDoneFor === image.canary.id ? canariesDoneAt : undefined;
}

/** What the status is to say of them. */
export function canariesDone({ image, plan }: RolloutView, counted: Tally, nowMs: number): CanariesDone {
  const { canary } = image;
  // A selector that cannot be read may become again what it was; without one, the next one begins anew.
  if (canary === undefined) return image.problems.length > 0 ? stored(image) : {};
  if (plan === undefined) return stored(image);
  const isDone = counted.canaries > 0 && counted.canariesDone === counted.canaries;
  const since = canariesDoneSince(image) ?? (isDone ? timeText(nowMs) : undefined);
  return since === undefined ? {} : { canariesDoneAt: notAhead(since, nowMs), canariesDoneFor: canary.id };
}
