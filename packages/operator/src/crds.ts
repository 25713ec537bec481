/** The CustomResourceDefinitions as YAML. */
import { stringify } from "yaml";
import {
  customResourceDefinition,
  machineInventory,
  machineRegistration,
  managedOSImage,
} from "@rancheros/protocol/resources";

/** @returns one YAML document a kind, ready for kubectl apply */
export function crdsYaml(): string {
  const kinds = [machineRegistration, machineInventory, managedOSImage];
  return kinds
    .map((kind) => stringify(customResourceDefinition(kind), { lineWidth: 0, aliasDuplicateObjects: false }))
    .join("---\n");
}
