/** Servers of clusters, whichever image has them: how many count for the quorum, and which are in the middle of an upgrade. */
import { isUnderWay } from "./machine-place.ts";
import type { RolloutMachine } from "./rollout-machine.ts";

export class ClusterServers {
  readonly #members = new Map<string, number>();
  /** By cluster and uid. */
  readonly #underWay = new Map<string, Map<string, RolloutMachine>>();

  /** How many count for the quorum. */
  membersOf(namespace: string, cluster: string): number {
    return this.#members.get(`${namespace}/${cluster}`) ?? 0;
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
    if (isMember) this.#countMember(key, by);
    if (isUnderWay(machine)) this.#countUnderWay(key, machine, by);
  }

  #countMember(key: string, by: 1 | -1): void {
    const count = (this.#members.get(key) ?? 0) + by;
    if (count > 0) this.#members.set(key, count);
    else this.#members.delete(key);
  }

  #countUnderWay(key: string, machine: RolloutMachine, by: 1 | -1): void {
    const { uid } = machine.metadata;
    const servers = this.#underWay.get(key) ?? new Map<string, RolloutMachine>();
    if (by === 1) this.#underWay.set(key, servers.set(uid, machine));
    else if (servers.delete(uid) && servers.size === 0) this.#underWay.delete(key);
  }
}
