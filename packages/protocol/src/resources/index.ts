export * from "./group.ts";
export { customResourceDefinition } from "./custom-resource-definition.ts";
export { container } from "./container.ts";
export type { Container } from "./container.ts";
export { drain } from "./drain.ts";
export type { Drain } from "./drain.ts";
export { durationMs, NANOSECONDS_FROM } from "../durations/index.ts";
export { duration } from "./duration.ts";
export { machineInventory, TAINT_EFFECTS } from "./machine-inventory.ts";
export type {
  MachineInventoryConfig,
  MachineInventorySpec,
  MachineInventoryStatus,
  NodeTaint,
} from "./machine-inventory.ts";
export { machineRegistration } from "./machine-registration.ts";
export type { RegistrationAttestation } from "./registration-attestation.ts";
export type { MachineRegistrationSpec, MachineRegistrationStatus } from "./machine-registration.ts";
export { ROLLOUT_STATES } from "./managed-os-image-status.ts";
export { managedOSImage } from "./managed-os-image.ts";
export type { ManagedOSImageSpec, ManagedOSImageStatus } from "./managed-os-image.ts";
export { managedOSVersion } from "./managed-os-version.ts";
export type { ManagedOSVersionSpec, ManagedOSVersionStatus } from "./managed-os-version.ts";
export { managedOSVersionChannel, SYNC_REASONS } from "./managed-os-version-channel.ts";
export type {
  ChannelOptions,
  ManagedOSVersionChannelSpec,
  ManagedOSVersionChannelStatus,
  SyncReason,
} from "./managed-os-version-channel.ts";
export {
  endorsementKeyHash,
  parseMachineInventory,
  parseMachineRegistration,
  parseManagedOSImage,
  parseObjectMeta,
  parseManagedOSVersion,
  parseManagedOSVersionChannel,
  parseManagedOSVersionSpec,
  parseNodeTaint,
} from "./parse-resource.ts";
export type {
  MachineInventory,
  MachineRegistration,
  ManagedOSImage,
  ManagedOSVersion,
  ManagedOSVersionChannel,
  ObjectMeta,
  Parsed,
} from "./parse-resource.ts";
export { RESOURCE_KINDS } from "./resource-kinds.ts";
export type { PrinterColumn, ResourceKind } from "./resource-kind.ts";
export { structuralSchema } from "./structural-schema.ts";
