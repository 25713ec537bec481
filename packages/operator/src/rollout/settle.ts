/** What has become of slots and failures since the status was written. */
import { listedFailures } from "./listed-failures.ts";
import type { RolloutView } from "./rollout-view.ts";
import { byUid, type Failure, type Slot } from "./slot.ts";
import { slotFate, type Holder } from "./slot-fate.ts";
import { earliest, notAhead } from "./time-text.ts";

export interface Settled {
  readonly slots: readonly Slot[];
  readonly failures: readonly Failure[];
  readonly failed: readonly Failure[];
  readonly wakeAtMs: number | undefined;
}

/** When time alone makes nobody's what the status says of a machine that is not known. */
function nobodysAtMs(holder: Holder): number | undefined {
  return holder.kind === "unknown" ? holder.goneAtMs : undefined;
}

/** Slots end, failures are noted and forgotten; of a time that is yet to come it is the present from now on. */
export function settle(view: RolloutView, nowMs: number): Settled {
  const { image, plan } = view;
  const { metadata, status } = image.object;
  const slots: Slot[] = [];
  const failed: Failure[] = [];
  let wakeAtMs: number | undefined;
  for (const stored of byUid(status?.slots).values()) {
    const slot = { ...stored, grantedAt: notAhead(stored.grantedAt, nowMs) };
    const timing = { nowMs, nodeTimeoutMs: image.nodeTimeoutMs, heard: view.heard };
    const holder = view.holder(slot.uid, Date.parse(slot.grantedAt));
    const fate = slotFate(slot, holder, metadata.name, plan, timing);
    if (fate.kind === "kept") {
      const { overdueAt: _, ...held } = slot;
      slots.push(fate.overdueAt === undefined ? held : { ...held, overdueAt: fate.overdueAt });
      wakeAtMs = earliest(wakeAtMs, fate.untilMs, nobodysAtMs(holder));
    }
    if (fate.kind === "failed") failed.push(fate.failure);
  }
  const listed = [...byUid(status?.failures).values()].map((one) => ({ ...one, time: notAhead(one.time, nowMs) }));
  const kept = listed.filter(({ uid, time }) => {
    const holder = view.holder(uid, Date.parse(time));
    return holder.kind !== "gone" && view.seen(uid)?.isDone !== true && !failed.some((one) => one.uid === uid);
  });
  const failures = listedFailures(view, [...kept, ...failed]);
  for (const { uid, time } of failures) wakeAtMs = earliest(wakeAtMs, nobodysAtMs(view.holder(uid, Date.parse(time))));
  return { slots, failures, failed, wakeAtMs };
}
