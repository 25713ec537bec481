/** How many machines there are of each approval and phase, kept as they come and go. */
import type { Approval } from "@rancheros/protocol/attestation";
import type { Phase } from "@rancheros/protocol/upgrade";
import type { RolloutFacts } from "./rollout-facts.ts";

export interface MachineCount {
  readonly approval: Approval;
  /** Of its last upgrade; Idle where there was none. */
  readonly phase: Phase;
  readonly count: number;
}

interface Counted {
  readonly approval: Approval;
  readonly rollout: Pick<RolloutFacts, "upgrade">;
}

function phaseOf({ rollout }: Counted): Phase {
  return rollout.upgrade?.phase ?? "Idle";
}

export class MachineTally {
  readonly #counts = new Map<Approval, Map<Phase, number>>();

  /** How many machines wait for their approval. */
  get pendingCount(): number {
    let pending = 0;
    for (const count of this.#counts.get("Pending")?.values() ?? []) pending += count;
    return pending;
  }

  /** Only what there is at least one of. */
  counts(): readonly MachineCount[] {
    return [...this.#counts].flatMap(([approval, phases]) =>
      [...phases].filter(([, count]) => count > 0).map(([phase, count]) => ({ approval, phase, count })),
    );
  }

  /** @param by  1 for one that came, -1 for one that goes as it was */
  change(machine: Counted, by: 1 | -1): void {
    const phases = this.#counts.get(machine.approval) ?? new Map<Phase, number>();
    this.#counts.set(machine.approval, phases);
    const phase = phaseOf(machine);
    phases.set(phase, (phases.get(phase) ?? 0) + by);
  }
}
