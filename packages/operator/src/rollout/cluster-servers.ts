/** Servers of clusters, whichever image has them: how many count for the quorum, and which are in the middle of an upgrade. */
import { isCountedServer, isUnderWay } from "./machine-place.ts";
import type { RolloutMachine } from "./rollout-machine.ts";

/** By cluster and uid. */
type ByCluster = Map<string, Map<string, RolloutMachine>>;

function change(servers: ByCluster, key: string, machine: RolloutMachine, by: 1 | -1): void {
  const { uid } = machine.metadata;
  const those = servers.get(key) ?? new Map<string, RolloutMachine>();
  if (by === 1) servers.set(key, those.set(uid, machine));
  else if (those.delete(uid) && those.size === 0) servers.delete(key);
}

export class ClusterServers {
  readonly #members: ByCluster = new Map();
  /** Members on which the others may rely. */
  readonly #counted: ByCluster = new Map();
  readonly #underWay: ByCluster = new Map();

  /** How many count for the quorum. */
  membersOf(namespace: string, cluster: string): number {
    return this.#counted.get(`${namespace}/${cluster}`)?.size ?? 0;
  }

  members(namespace: string, cluster: string): Iterable<RolloutMachine> {
    return this.#members.get(`${namespace}/${cluster}`)?.values() ?? [];
  }

  /** Those that say they are in the middle of an upgrade, whoever began it. */
  underWay(namespace: string, cluster: string): Iterable<RolloutMachine> {
    return this.#underWay.get(`${namespace}/${cluster}`)?.values() ?? [];
  }

  /** @param by  -1 where the machine, as it was, goes */
  count(machine: RolloutMachine, cluster: string, by: 1 | -1): void {
    const key = `${machine.metadata.namespace}/${cluster}`;
    // Who waits for approval, or has lost it, is no member whose absence the others could bear.
    const isMember = machine.approval === "Approved" && !machine.beingDeleted;
    if (isMember) change(this.#members, key, machine, by);
    if (isMember && isCountedServer(machine)) change(this.#counted, key, machine, by);
    if (isUnderWay(machine)) change(this.#underWay, key, machine, by);
  }
}
