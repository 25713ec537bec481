/** What the index of this replica knows around one image, as decisions look at it. */
import type { RolloutView } from "./decide.ts";
import type { ImageState, MachineState } from "./image-state.ts";
import type { RolloutIndex } from "./rollout-index.ts";
import type { Seen } from "./tally.ts";
import type { Holder } from "./slot-fate.ts";

/** A machine that is not known may be new, and the watch late: only after so long it counts as gone. */
const UNKNOWN_IS_GONE_MS = 15 * 60_000;

function seenOf(image: ImageState, state: MachineState): Seen {
  const isClaimed = state.claims[0] === image;
  const { retry } = state.machine.rollout;
  return {
    isClaimed,
    isCanary: isClaimed && state.isCanary,
    isDone: isClaimed && state.outcome === "done",
    isBroken: isClaimed && state.outcome === "broken" && retry === undefined,
    retry,
  };
}

/** @param isSynced  whether all machines have been read */
export function viewOf(index: RolloutIndex, image: ImageState, nowMs: number, isSynced: boolean): RolloutView {
  const { namespace } = image.image.object.metadata;
  return {
    image: image.image,
    plan: image.plan,
    counts: image.counts,
    conflicts: image.conflicts,
    clusters: image.image.claim === undefined ? 0 : (image.chosen?.size ?? 1),
    holder(uid, atMs): Holder {
      const state = index.machine(uid);
      if (state !== undefined) return { kind: "known", machine: state.machine, isClaimed: state.claims[0] === image };
      const isGone = index.isGone(uid) || (isSynced && nowMs - atMs > UNKNOWN_IS_GONE_MS);
      return { kind: isGone ? "gone" : "unknown" };
    },
    seen(uid) {
      const state = index.machine(uid);
      return state === undefined ? undefined : seenOf(image, state);
    },
    cluster(name) {
      const group = image.groups.get(name);
      const others = index.imagesOf(namespace).filter((one) => one !== image);
      const away = others.flatMap((one) =>
        [...one.slots.values()].filter((slot) => slot.cluster === name && slot.isServer === true),
      );
      const underWay = [...(group?.underWay ?? [])].map(
        ([uid, state]) => [uid, state.machine.rollout.upgrade?.heardMs ?? 0] as const,
      );
      return {
        total: group?.total ?? 0,
        servers: index.serversOf(namespace, name),
        otherServersAway: away.length,
        underWay: new Map(underWay),
      };
    },
  };
}
