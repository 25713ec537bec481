/** Rollouts of OS images: which machine may go when, and what it is told. */
export { ROLLOUT_ERRORS, RolloutError } from "./errors.ts";
export type { RolloutErrorCode } from "./errors.ts";
export { runRolloutController } from "./io/rollout-controller.ts";
export type { RolloutOptions } from "./io/rollout-controller.ts";
export type { Asked, Rollouts, Told } from "./rollout-desk.ts";
export type { MachineUpgrade, RolloutMachine } from "./rollout-machine.ts";
export type { RolloutNews } from "./rollout-parts.ts";
