/** MachineRegistrations: their tokens and addresses, and what machines get through them. */
export { buildInventory } from "./build-inventory.ts";
export { cloudConfigDocument } from "./cloud-config-document.ts";
export { acceptClientLabels } from "./accept-client-labels.ts";
export type { ClientLabels } from "./accept-client-labels.ts";
export { REGISTRATION_STATUS_ERRORS, RegistrationRefusedError } from "./errors.ts";
export type { RegistrationRefusal } from "./errors.ts";
export { installConfig, installConfigData, isForEachMachine } from "./install-config.ts";
export { runRegistrationController } from "./io/registration-controller.ts";
export type { RegistrationController } from "./io/registration-controller.ts";
export { MachineLimit } from "./machine-limit.ts";
export { RateLimit, sourceOf, sourcePathOf, TUNNEL_SOURCE } from "./rate-limit.ts";
export { RefusalCounter } from "./registration-counters.ts";
export type { AnchorsStanding } from "./reconcile-registration.ts";
export { RegistrationGate } from "./registration-gate.ts";
export { RegistrationIndex } from "./registration-index.ts";
export type { TokenAnswer } from "./registration-index.ts";
export { reportSeconds } from "./report-interval.ts";
export { tokenDigest } from "./token-secret.ts";
