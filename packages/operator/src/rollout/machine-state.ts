/** One machine as rollouts see it: who claims it, whose it is, where it stands with that image's plan. */
import type { ImageState, MachineState } from "./image-state.ts";
import { clusterOf, isCanary, isServer, isUnderWay, orderKey, outcomeOf } from "./machine-place.ts";
import { pathRefusal, type PathRefusal } from "../versions/index.ts";
import type { RolloutMachine } from "./rollout-machine.ts";

function refusalBy(winner: ImageState | undefined, machine: RolloutMachine): PathRefusal | undefined {
  const { version, object } = winner?.image ?? {};
  if (version === undefined) return undefined;
  return pathRefusal(version, machine.rollout.osVersion, object?.spec.allowDowngrade === true);
}

/** @param images  of its namespace, the oldest first */
export function machineState(machine: RolloutMachine, images: readonly ImageState[]): MachineState {
  const cluster = clusterOf(machine);
  // One that was denied is told nothing any more: nobody waits for it, and its silence is no failure.
  const isOut = machine.beingDeleted || machine.approval === "Denied";
  const claims =
    cluster === undefined || isOut ? [] : images.filter((image) => image.claims(cluster, machine.rollout.labels));
  const winner = claims[0];
  const outcome = outcomeOf(machine, winner?.plan);
  // Where the plan went wrong, it begins again when somebody asks for that.
  const mayBegin = outcome === "open" || (outcome === "broken" && machine.rollout.retry !== undefined);
  const refusal = mayBegin && !isUnderWay(machine) ? refusalBy(winner, machine) : undefined;
  const canary = winner !== undefined && isCanary(winner.image, machine);
  const { upgrade, retry } = machine.rollout;
  const signature = JSON.stringify([
    cluster,
    claims.map((one) => one.image.key),
    winner?.plan,
    outcome,
    refusal?.message,
    canary,
    isServer(machine),
    retry,
    machine.approval,
    machine.beingDeleted,
    upgrade && [upgrade.image, upgrade.plan, upgrade.attempt, upgrade.phase],
  ]);
  let key: string | undefined;
  return {
    machine,
    cluster,
    claims,
    outcome,
    refusal,
    isCanary: canary,
    isServer: isServer(machine),
    signature,
    orderKey() {
      key ??= winner === undefined ? "" : orderKey(winner.image, machine, winner.plan ?? "");
      return key;
    },
  };
}
