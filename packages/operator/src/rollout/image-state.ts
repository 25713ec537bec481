/** One image in the index of rollouts: its machines, counted, and those that wait, in order. */
import type { Labels } from "../fleet/index.ts";
import type { CompiledImage } from "./compile-image.ts";
import { isAgainAsked, type Outcome } from "./machine-place.ts";
import type { PathRefusal } from "../versions/index.ts";
import { OrderedKeys } from "./ordered-keys.ts";
import type { RolloutMachine } from "./rollout-machine.ts";
import { byUid, type Counts, type Failure, type Slot } from "./slot.ts";
import { isRetryAsked } from "./tally.ts";

/** One machine in the index of rollouts. */
export interface MachineState {
  readonly machine: RolloutMachine;
  readonly cluster: string | undefined;
  /** Images that are for it; the first one, the oldest, has it. */
  readonly claims: readonly ImageState[];
  /** Of the plan of that image. */
  readonly outcome: Outcome;
  /** Why it may not go from what it runs to the version of that image. */
  readonly refusal: PathRefusal | undefined;
  readonly isCanary: boolean;
  readonly isServer: boolean;
  /** Place in the order of its cluster, for the plan of the image that has it. */
  orderKey(): string;
}

/** The machines of one cluster. */
export interface Group {
  total: number;
  /** Order keys of machines that are alive and wait for their turn. */
  readonly waiting: OrderedKeys;
  /** Those of them that are servers. */
  readonly waitingServers: OrderedKeys;
  /** Machines that say they are in the middle of an upgrade, whoever began it, by uid. */
  readonly underWay: Map<string, MachineState>;
  /** See Fronts. */
  front: number;
  head: number;
}

/** Names what the image is about: another text where its spec, the version that it names, or the default registry is another one. */
export function aboutOf({ image: { object, versionId } }: ImageState): string {
  const { uid, generation } = object.metadata;
  return `${uid}/${generation}/${versionId}`;
}

function noCounts(): Counts {
  return { total: 0, done: 0, broken: 0, refused: 0, canaries: 0, canariesDone: 0 };
}

/** Says that the plan went wrong, and nobody has asked since to try again. */
export function isBroken({ outcome, machine }: MachineState): boolean {
  return outcome === "broken" && !isAgainAsked(machine);
}

export class ImageState {
  image: CompiledImage;
  /** Undefined until the images of the spec are resolved. */
  readonly plan: string | undefined;
  /** Names of Fleet clusters; undefined where there are no targets to match, as for the local cluster. */
  readonly chosen: ReadonlySet<string> | undefined;
  slots: ReadonlyMap<string, Slot> = new Map();
  failures: ReadonlyMap<string, Failure> = new Map();
  counts: Counts = noCounts();
  /** Machines in the fronts of all clusters. */
  front = 0;
  readonly groups = new Map<string, Group>();
  /** Why machines may not go to the version, by their names. */
  readonly refusals = new Map<string, PathRefusal>();
  /** Machines that another image has, by that image's name. */
  readonly conflicts = new Map<string, number>();

  constructor(image: CompiledImage, plan: string | undefined, chosen: ReadonlySet<string> | undefined) {
    this.image = image;
    this.plan = plan;
    this.chosen = chosen;
    this.renew(image);
  }

  claims(cluster: string, labels: Labels): boolean {
    const { claim } = this.image;
    if (claim === undefined) return false;
    return (claim.targets === undefined || this.chosen?.has(cluster) === true) && claim.nodes(labels);
  }

  /** Takes another version of the same spec. @returns uids of machines whose slots or failures are not what they were */
  renew(image: CompiledImage): ReadonlySet<string> {
    const { slots, failures } = this;
    const { status } = image.object;
    this.image = image;
    this.slots = byUid(status?.slots);
    this.failures = byUid(status?.failures);
    const touched = [...slots.keys(), ...failures.keys(), ...this.slots.keys(), ...this.failures.keys()];
    return new Set(
      touched.filter(
        (uid) =>
          slots.get(uid)?.attempt !== this.slots.get(uid)?.attempt ||
          failures.get(uid)?.attempt !== this.failures.get(uid)?.attempt,
      ),
    );
  }

  /** The plan went wrong on the machine, and nobody has asked since to try it again. */
  isFailed(state: MachineState): boolean {
    if (state.outcome === "done") return false;
    const failure = this.failures.get(state.machine.metadata.uid);
    return failure === undefined ? isBroken(state) : !isRetryAsked(failure, state.machine.rollout.retry);
  }

  group(cluster: string | undefined): Group | undefined {
    if (cluster === undefined) return undefined;
    const found = this.groups.get(cluster);
    if (found !== undefined) return found;
    const waiting = { waiting: new OrderedKeys(), waitingServers: new OrderedKeys() };
    const made: Group = { total: 0, ...waiting, underWay: new Map(), front: 0, head: 0 };
    this.groups.set(cluster, made);
    return made;
  }

  count(state: MachineState, by: 1 | -1): void {
    const { counts } = this;
    counts.total += by;
    if (state.outcome === "done") counts.done += by;
    if (isBroken(state)) counts.broken += by;
    if (state.refusal !== undefined) {
      counts.refused += by;
      const { name } = state.machine.metadata;
      if (by === 1) this.refusals.set(name, state.refusal);
      else this.refusals.delete(name);
    }
    // One that may not go there would hold up all others for ever.
    if (state.isCanary && state.refusal === undefined) {
      counts.canaries += by;
      if (state.outcome === "done") counts.canariesDone += by;
    }
    const group = this.group(state.cluster);
    if (group !== undefined) group.total += by;
  }

  countConflict(winner: string, by: 1 | -1): void {
    const count = (this.conflicts.get(winner) ?? 0) + by;
    if (count > 0) this.conflicts.set(winner, count);
    else this.conflicts.delete(winner);
  }

  /** Before all machines are counted anew. */
  clear(): void {
    this.counts = noCounts();
    this.front = 0;
    this.groups.clear();
    this.refusals.clear();
    this.conflicts.clear();
  }
}
