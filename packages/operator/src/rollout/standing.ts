/** Where an image stands for those who ask, as this replica sees it; made at most once a second and change. */
import { concurrencyOf, serversAwayAtMost } from "./amount.ts";
import { canariesDoneSince } from "./canaries-done.ts";
import { serversAwayIn } from "./decide.ts";
import { gateOf, type Gate } from "./gate.ts";
import type { RolloutView } from "./rollout-view.ts";
import { settle } from "./settle.ts";
import { SLOTS_MAX, type Slot } from "./slot.ts";
import { tally } from "./tally.ts";
import { notAhead } from "./time-text.ts";

export interface Standing {
  readonly gate: Gate;
  /** Slots that are really held: what has ended is not written down yet. By uid. */
  readonly slots: ReadonlyMap<string, Slot>;
  /** Slots that could be granted now in a cluster. */
  free(cluster: string): number;
  /** How many further servers of a cluster may be away. */
  serversFree(cluster: string): number;
}

export function standingOf(view: RolloutView, nowMs: number): Standing {
  const { image, plan } = view;
  const { slots, failures } = settle(view, nowMs);
  const counted = tally(view.counts, slots, failures, (uid) => view.seen(uid));
  const doneAt = canariesDoneSince(image);
  const canariesDoneAt = doneAt === undefined ? undefined : notAhead(doneAt, nowMs);
  const held = new Map<string, number>();
  for (const { cluster } of slots) held.set(cluster, (held.get(cluster) ?? 0) + 1);
  const serversFree = new Map<string, number>();
  return {
    gate: gateOf(image, plan, counted, { canariesDoneAt, nowMs }),
    slots: new Map(slots.map((slot) => [slot.uid, slot])),
    free(cluster) {
      const limit = concurrencyOf(image.concurrency, view.cluster(cluster).total);
      return Math.min(limit - (held.get(cluster) ?? 0), SLOTS_MAX - slots.length);
    },
    serversFree(cluster) {
      const known = serversFree.get(cluster);
      if (known !== undefined) return known;
      const away = serversAwayIn(view, cluster, slots).size;
      const free = Math.max(0, serversAwayAtMost(view.cluster(cluster).servers) - away);
      serversFree.set(cluster, free);
      return free;
    },
  };
}
