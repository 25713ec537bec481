/** One machine as rollouts see it: who claims it, whose it is, where it stands with that image's plan. */
import type { ImageState, MachineState } from "./image-state.ts";
import {
  clusterOf,
  isAgainAsked,
  isCanary,
  isCountedServer,
  isServer,
  isUnderWay,
  orderKey,
  outcomeOf,
  type Outcome,
} from "./machine-place.ts";
import { pathRefusal, type PathRefusal } from "../versions/index.ts";
import type { RolloutMachine } from "./rollout-machine.ts";

function refusalBy(winner: ImageState | undefined, machine: RolloutMachine): PathRefusal | undefined {
  const { version, object } = winner?.image ?? {};
  if (version === undefined) return undefined;
  return pathRefusal(version, machine.rollout.osVersion, object?.spec.allowDowngrade === true);
}

const NO_CLAIMS: readonly ImageState[] = [];

/** @returns the list itself where all of them claim it: ten thousand machines have one list then */
function claimsOf(machine: RolloutMachine, images: readonly ImageState[]): readonly ImageState[] {
  const cluster = clusterOf(machine);
  // One that was denied is told nothing any more: nobody waits for it, and its silence is no failure.
  if (cluster === undefined || machine.beingDeleted || machine.approval === "Denied") return NO_CLAIMS;
  if (images.every((image) => image.claims(cluster, machine.rollout.labels))) return images;
  return images.filter((image) => image.claims(cluster, machine.rollout.labels));
}

/** There is one for each machine: no functions and texts of its own. */
class PlacedMachine implements MachineState {
  readonly machine: RolloutMachine;
  readonly claims: readonly ImageState[];
  readonly outcome: Outcome;
  readonly refusal: PathRefusal | undefined;
  readonly isCanary: boolean;
  readonly isServer: boolean;
  #orderKey: string | undefined;

  constructor(machine: RolloutMachine, images: readonly ImageState[]) {
    this.machine = machine;
    this.claims = claimsOf(machine, images);
    const winner = this.claims[0];
    this.outcome = outcomeOf(machine, winner?.plan);
    // Where the plan went wrong, it begins again when somebody asks for that.
    const isAgain = this.outcome === "broken" && isAgainAsked(machine);
    const mayBegin = this.outcome === "open" || isAgain;
    this.refusal = mayBegin && !isUnderWay(machine) ? refusalBy(winner, machine) : undefined;
    this.isCanary = winner !== undefined && isCanary(winner.image, machine);
    this.isServer = isServer(machine);
  }

  get cluster(): string | undefined {
    return clusterOf(this.machine);
  }

  orderKey(): string {
    const winner = this.claims[0];
    this.#orderKey ??= winner === undefined ? "" : orderKey(winner.image, this.machine, winner.plan ?? "");
    return this.#orderKey;
  }
}

/** @param images  of its namespace, the oldest first */
export function machineState(machine: RolloutMachine, images: readonly ImageState[]): MachineState {
  return new PlacedMachine(machine, images);
}

function isSameUpgrade(a: RolloutMachine["rollout"]["upgrade"], b: RolloutMachine["rollout"]["upgrade"]): boolean {
  const isSameAttempt = a?.image === b?.image && a?.plan === b?.plan && a?.attempt === b?.attempt;
  return isSameAttempt && a?.phase === b?.phase && a?.retry === b?.retry;
}

/** Whether the next state of a machine makes no difference to rollouts. */
export function isSameState(a: MachineState, b: MachineState): boolean {
  return (
    a.cluster === b.cluster &&
    a.claims.length === b.claims.length &&
    a.claims.every((one, index) => one === b.claims[index]) &&
    a.outcome === b.outcome &&
    a.refusal?.message === b.refusal?.message &&
    a.isCanary === b.isCanary &&
    a.isServer === b.isServer &&
    isCountedServer(a.machine) === isCountedServer(b.machine) &&
    a.machine.rollout.retry === b.machine.rollout.retry &&
    a.machine.approval === b.machine.approval &&
    a.machine.beingDeleted === b.machine.beingDeleted &&
    isSameUpgrade(a.machine.rollout.upgrade, b.machine.rollout.upgrade)
  );
}
