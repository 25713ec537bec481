/** Upgrades: what a machine is told to do, and how far it is. docs/protocol.md tells what is said in which order. */
export { believedAttempt } from "./believed-attempt.ts";
export * from "./limits.ts";
export { isTerminal, mayFollow, PHASE_NAMES, PHASES } from "./phase.ts";
export type { Phase, PhaseRow } from "./phase.ts";
export { WAITING_REASONS } from "./plan.ts";
export type {
  Plan,
  PlanAnswer,
  PlanContainer,
  PlanName,
  RegistryCredential,
  StatusAnswer,
  UpgradeStatus,
  Waiting,
} from "./plan.ts";
export { readPlan, readPlanAnswer, readPlanName, readStatusAnswer, readUpgradeStatus } from "./read-upgrade-message.ts";
export { writePlanAnswer, writeStatusAnswer, writeUpgradeStatus } from "./write-upgrade-message.ts";
