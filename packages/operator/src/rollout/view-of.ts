/** What the index of this replica knows around one image, as decisions look at it. */
import { serversAwayAtMost } from "./amount.ts";
import { ALWAYS_HEARD, type Heard } from "./hearing.ts";
import { isBroken, type ImageState, type MachineState } from "./image-state.ts";
import { isOverAsSaid } from "./over-as-said.ts";
import type { RolloutIndex } from "./rollout-index.ts";
import type { RolloutMachine } from "./rollout-machine.ts";
import type { RolloutView } from "./rollout-view.ts";
import type { Seen } from "./tally.ts";
import { isBusy, isOff, patienceMs, silentMs } from "./silence.ts";
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
    isBroken: isClaimed && isBroken(state),
    isRefused: isClaimed && state.refusal !== undefined,
    retry,
  };
}

/**
 * @param isSynced  whether all machines have been read
 * @param heard     see createHearing
 */
export function viewOf(
  index: RolloutIndex,
  image: ImageState,
  nowMs: number,
  isSynced: boolean,
  heard: Heard = ALWAYS_HEARD,
): RolloutView {
  const { namespace } = image.image.object.metadata;
  /** By cluster: many who ask are decided about in one go. */
  const away = new Map<string, readonly RolloutMachine[]>();
  const awayIn = (cluster: string): readonly RolloutMachine[] => {
    const known = away.get(cluster) ?? serversAway(index, image, cluster, nowMs);
    away.set(cluster, known);
    return known;
  };
  return {
    image: image.image,
    plan: image.plan,
    heard,
    counts: image.counts,
    conflicts: image.conflicts,
    refusals: image.refusals,
    silentServers: () => silentServers(index, image, nowMs, awayIn),
    clusters: image.image.claim === undefined ? 0 : (image.chosen?.size ?? 1),
    holder(uid, atMs): Holder {
      const state = index.machine(uid);
      if (state !== undefined) return { kind: "known", machine: state.machine, isClaimed: state.claims[0] === image };
      const goneAtMs = atMs + UNKNOWN_IS_GONE_MS;
      const isGone = index.isGone(uid) || (isSynced && nowMs >= goneAtMs);
      return isGone ? { kind: "gone" } : { kind: "unknown", goneAtMs };
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
          const uids = awayIn(name).map(({ metadata }) => metadata.uid);
          return new Set([...holdingElsewhere(index, image, name), ...uids]);
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
    [...one.slots.values()]
      .filter((slot) => slot.cluster === cluster && slot.isServer === true && !isOverAsSaid(index, one, slot))
      .map(({ uid }) => uid),
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

/** Those that are in the middle of an upgrade, and those that are off: of three servers no second one is to go then. */
function serversAway(index: RolloutIndex, { image }: ImageState, cluster: string, nowMs: number) {
  const { namespace } = image.object.metadata;
  const underWay = [...index.servers.underWay(namespace, cluster)];
  const away = underWay.filter((machine) => isAway(machine, nowMs, patienceMs(image.nodeTimeoutMs)));
  const off = [...index.servers.members(namespace, cluster)].filter((machine) => isOff(machine, nowMs));
  return [...new Set([...away, ...off])];
}

/** Names of servers whose silence keeps the others of their clusters from starting. */
function silentServers(
  index: RolloutIndex,
  state: ImageState,
  nowMs: number,
  awayIn: (cluster: string) => readonly RolloutMachine[],
): readonly string[] {
  const { object, nodeTimeoutMs } = state.image;
  const forMs = patienceMs(nodeTimeoutMs);
  const names = [...state.groups.keys()].flatMap((cluster) => {
    const silent = awayIn(cluster).filter((one) => isOff(one, nowMs) || silentMs(one, nowMs) >= forMs);
    const isHeldUp = silent.length >= serversAwayAtMost(index.servers.membersOf(object.metadata.namespace, cluster));
    return isHeldUp ? silent.map(({ metadata }) => metadata.name) : [];
  });
  return names.sort();
}
