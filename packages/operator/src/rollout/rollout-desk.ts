/** What rollouts are for the rest of the operator: who asks, who tells, and what has changed. */
import type { PlanAnswer, StatusAnswer, UpgradeStatus } from "@rancheros/protocol/upgrade";
import type { QueueLoad } from "../controller/index.ts";
import type { RolloutCounts } from "./rollout-counts.ts";
import type { RolloutMachine } from "./rollout-machine.ts";

/** Either a plan, or why there is none. */
export type Asked = Pick<PlanAnswer, "plan" | "waiting" | "nextAskInSeconds">;

export interface Told extends Pick<StatusAnswer, "holdsSlot" | "nextStatusInSeconds"> {
  /** How old `status.upgrade.heard` may become while the machine holds a slot: a replica that does not see it falls silent. */
  readonly heardEveryMs: number;
}

export interface Rollouts {
  /**
   * GET plan: grants a slot where it is the machine's turn.
   * @param machine  as the inventory remembers it; it proved just now who it is
   * @throws KubernetesError  where the API server cannot be asked
   */
  ask(machine: RolloutMachine): Promise<Asked>;
  /** PUT status: what the machine is to know now. What it said counts once the watch has shown it. */
  told(machine: RolloutMachine, word: Pick<UpgradeStatus, "plan" | "image" | "attempt" | "phase">): Promise<Told>;
  /** From the watch on MachineInventories, of new and of changed ones. */
  onMachine(machine: RolloutMachine): void;
  onMachineGone(object: { readonly metadata: { readonly name: string; readonly namespace: string } }): void;
  /** The API server was put back to an earlier state, from which machines are read anew. */
  onMachinesWentBack(): void;
  /** A ManagedOSVersion has come, changed, or gone. */
  onVersion(namespace: string, name: string): void;
  /** The registry of images that name none is known now, or may be another one. */
  onDefaultRegistry(): void;
  /** Sentences; empty where all is known that is needed to decide. */
  notReady(): readonly string[];
  /** Milliseconds since the API server was last heard of ManagedOSImages. */
  quietMs(): number;
  counts(): RolloutCounts;
  /** Images whose digest is to be asked for. */
  queue(): QueueLoad;
  stop(): Promise<void>;
}
