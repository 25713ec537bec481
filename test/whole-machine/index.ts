/** Machines of real parts, and sites of them. */
export { DOES_NOT_BOOT, MachineRoot } from "./machine-root.ts";
export { buildVersion, RELEASE_FILE, releaseText, SUC_UPGRADE, waitingUpgrade } from "./os-images.ts";
export { SITE_NAMESPACE, startSite, type Site, type SiteOptions } from "./site.ts";
export { createWholeMachine } from "./create-whole-machine.ts";
export { WholeMachine, type WholeMachineOptions } from "./whole-machine.ts";
export { Witness } from "./witness.ts";
export { applyWorkloads, podsOf, untilAllRun, WEB_MIN_AVAILABLE, WEB_REPLICAS } from "./workloads.ts";
