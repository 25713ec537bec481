/** What no stored state of a rollout may show, whatever was killed meanwhile. */
import { isTerminal, PHASES } from "@rancheros/protocol/upgrade";
import type { ManagedOSImage } from "@rancheros/protocol/resources";
import type { StoredState } from "./history.ts";

export interface HistoryRules {
  /** Of each cluster. */
  readonly concurrency: number;
  /** In force at the state. */
  readonly budgetOf: (image: ManagedOSImage) => number;
  readonly clusterOf: (machine: string) => string;
  /** Names. */
  readonly canaries: ReadonlySet<string>;
}

export interface Judgement {
  /** Sentences, each with the resource version at which it was so. */
  readonly violations: readonly string[];
  /** Attempts with which each machine was granted a slot, by name. */
  readonly grants: ReadonlyMap<string, ReadonlySet<number>>;
  /** The most that were seen in one cluster. */
  readonly mostSlots: number;
  readonly mostSwitched: number;
  /** The phases that were stored of each machine, one after the other, by name. */
  readonly phases: ReadonlyMap<string, readonly PhaseName[]>;
  readonly states: number;
}

type PhaseName = keyof typeof PHASES;
type Slots = NonNullable<NonNullable<ManagedOSImage["status"]>["slots"]>;

export function judgeHistory(states: readonly StoredState[], rules: HistoryRules): Judgement {
  const violations: string[] = [];
  const grants = new Map<string, Set<number>>();
  const attemptsSeen = new Map<number, string>();
  /** By cluster: machines that may run something else than before, and have not come to an end. */
  const switched = new Map<string, Set<string>>();
  const succeeded = new Set<string>();
  const phases = new Map<string, PhaseName[]>();
  let mostSlots = 0;
  let mostSwitched = 0;

  function judgeMachine(version: number, name: string, phase: PhaseName): void {
    const seen = phases.get(name) ?? [];
    phases.set(name, seen);
    if (seen.at(-1) !== phase) seen.push(phase);
    const cluster = rules.clusterOf(name);
    const among = switched.get(cluster) ?? new Set<string>();
    switched.set(cluster, among);
    if (PHASES[phase].mayBeSwitched && !isTerminal(phase)) among.add(name);
    else among.delete(name);
    if (phase === "Succeeded") succeeded.add(name);
    mostSwitched = Math.max(mostSwitched, among.size);
    if (among.size > rules.concurrency) {
      violations.push(
        `${version}: ${among.size} machines of ${cluster} are switched and have no end: ${[...among].join(", ")}`,
      );
    }
  }

  function judgeGrant(version: number, slot: Slots[number], image: ManagedOSImage): void {
    const { machine, attempt } = slot;
    const known = grants.get(machine) ?? new Set<number>();
    grants.set(machine, known);
    if (known.has(attempt)) return;
    known.add(attempt);
    const other = attemptsSeen.get(attempt);
    if (other !== undefined) violations.push(`${version}: attempt ${attempt} of ${other} was given to ${machine} too`);
    attemptsSeen.set(attempt, machine);
    const failures = image.status?.failures?.length ?? 0;
    const budget = rules.budgetOf(image);
    if (failures > budget) violations.push(`${version}: ${machine} was let begin after ${failures} failures`);
    const early = [...rules.canaries].filter((one) => !succeeded.has(one));
    if (early.length > 0 && !rules.canaries.has(machine)) {
      violations.push(`${version}: ${machine} was let begin before the canaries ${early.join(", ")}`);
    }
  }

  for (const { kind, version, object } of states) {
    if (kind === "machine") {
      const phase = object.status?.upgrade?.phase;
      if (phase !== undefined) judgeMachine(version, object.metadata.name, phase as PhaseName);
      continue;
    }
    const slots = object.status?.slots ?? [];
    const byCluster = new Map<string, number>();
    for (const slot of slots) {
      byCluster.set(slot.cluster ?? "", (byCluster.get(slot.cluster ?? "") ?? 0) + 1);
      judgeGrant(version, slot, object);
    }
    for (const [cluster, count] of byCluster) {
      mostSlots = Math.max(mostSlots, count);
      if (count > rules.concurrency) violations.push(`${version}: ${count} slots in ${cluster}`);
    }
  }
  return { violations, grants, mostSlots, mostSwitched, phases, states: states.length };
}
