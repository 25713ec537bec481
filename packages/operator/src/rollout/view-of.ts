/** What the index of this replica knows around one image, as decisions look at it. */
import { serversAwayAtMost } from "./amount.ts";
import type { ImageState, MachineState } from "./image-state.ts";
import type { RolloutIndex } from "./rollout-index.ts";
import type { RolloutMachine } from "./rollout-machine.ts";
import type { RolloutView } from "./rollout-view.ts";
import type { Seen } from "./tally.ts";
import { isBusy, patienceMs, silentMs } from "./silence.ts";
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
    silentServers: () => silentServers(index, image, nowMs),
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
        servers: index.servers.membersOf(namespace, name),
        otherServersAway() {
          const underWay = serversAway(index, image, name, nowMs).map(({ metadata }) => metadata.uid);
          return new Set([...holdingElsewhere(index, image, name), ...underWay]);
        },
        busy() {
          const underWay = [...(group?.underWay.values() ?? [])];
          const busy = underWay.filter(({ machine }) => isBusy(machine, nowMs, image.image.nodeTimeoutMs));
          return busy.map(({ machine }) => machine.metadata.uid);
        },
      };
    },
  };
}

/** UIDs of servers of the cluster that hold slots of other images. */
function holdingElsewhere(index: RolloutIndex, image: ImageState, cluster: string): readonly string[] {
  const others = index.imagesOf(image.image.object.metadata.namespace).filter((one) => one !== image);
  return others.flatMap((one) =>
    [...one.slots.values()].filter((slot) => slot.cluster === cluster && slot.isServer === true).map(({ uid }) => uid),
  );
}

/**
 * Whether a server that says it is under way is away, slot or not: its image was deleted, its time was over, somebody began
 * it by hand. One that was silent for too long is away until it says anything.
 */
function isAway(machine: RolloutMachine, nowMs: number, forMs: number): boolean {
  const { upgrade, lastSeenMs } = machine.rollout;
  const isSilent = (lastSeenMs ?? 0) - (upgrade?.heardMs ?? 0) < forMs;
  return isSilent || silentMs(machine, nowMs) < forMs;
}

function serversAway(index: RolloutIndex, { image }: ImageState, cluster: string, nowMs: number) {
  const underWay = [...index.servers.underWay(image.object.metadata.namespace, cluster)];
  return underWay.filter((machine) => isAway(machine, nowMs, patienceMs(image.nodeTimeoutMs)));
}

/** Names of servers whose silence keeps the others of their clusters from starting. */
function silentServers(index: RolloutIndex, state: ImageState, nowMs: number): readonly string[] {
  const { object, nodeTimeoutMs } = state.image;
  const forMs = patienceMs(nodeTimeoutMs);
  const names = [...state.groups.keys()].flatMap((cluster) => {
    const silent = serversAway(index, state, cluster, nowMs).filter((one) => silentMs(one, nowMs) >= forMs);
    const isHeldUp = silent.length >= serversAwayAtMost(index.servers.membersOf(object.metadata.namespace, cluster));
    return isHeldUp ? silent.map(({ metadata }) => metadata.name) : [];
  });
  return names.sort();
}
