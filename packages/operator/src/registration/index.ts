/** MachineRegistrations: their tokens and addresses, and what machines get through them. */
export { buildInventory } from "./build-inventory.ts";
export { cloudConfigDocument } from "./cloud-config-document.ts";
export { REGISTRATION_STATUS_ERRORS } from "./errors.ts";
export { installConfig, installConfigData } from "./install-config.ts";
export { runRegistrationController } from "./io/registration-controller.ts";
export type { RegistrationController } from "./io/registration-controller.ts";
export { RegistrationIndex } from "./registration-index.ts";
