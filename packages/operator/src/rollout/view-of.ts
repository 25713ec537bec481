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
    isRefused: isClaimed && state.refusal !== undefined,
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
    refusals: image.refusals,
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
      return {
        total: group?.total ?? 0,
        servers: index.serversOf(namespace, name),
        otherServersAway: () => serversAway(index.imagesOf(namespace), image, name),
        underWay: () =>
          [...(group?.underWay ?? [])].map(([uid, { machine }]) => ({
            uid,
            heardMs: machine.rollout.upgrade?.heardMs ?? 0,
          })),
      };
    },
  };
}

/** Servers of the cluster that hold slots of other images. */
function serversAway(images: readonly ImageState[], image: ImageState, cluster: string): number {
  const others = images.filter((one) => one !== image);
  return others.reduce((sum, one) => {
    const slots = [...one.slots.values()].filter((slot) => slot.cluster === cluster && slot.isServer === true);
    return sum + slots.length;
  }, 0);
}
