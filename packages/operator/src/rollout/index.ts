/** Rollouts of OS images: which machine may go when, and what it is told. */
export type { Asked, Rollouts, Told } from "./rollout-desk.ts";
export type { MachineUpgrade, RolloutMachine } from "./rollout-machine.ts";
