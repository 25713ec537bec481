/** All kinds of the API group. */
import { machineInventory } from "./machine-inventory.ts";
import { machineRegistration } from "./machine-registration.ts";
import { managedOSImage } from "./managed-os-image.ts";
import { managedOSVersion } from "./managed-os-version.ts";
import { managedOSVersionChannel } from "./managed-os-version-channel.ts";
import type { ResourceKind } from "./resource-kind.ts";

export const RESOURCE_KINDS = [
  machineRegistration,
  machineInventory,
  managedOSImage,
  managedOSVersion,
  managedOSVersionChannel,
] as const satisfies readonly ResourceKind[];
