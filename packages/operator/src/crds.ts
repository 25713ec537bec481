/** The CustomResourceDefinitions as YAML. */
import { stringify } from "yaml";
import { customResourceDefinition, RESOURCE_KINDS } from "@rancheros/protocol/resources";

/** @returns one YAML document a kind, ready for kubectl apply */
export function crdsYaml(): string {
  return RESOURCE_KINDS.map((kind) =>
    stringify(customResourceDefinition(kind), { lineWidth: 0, aliasDuplicateObjects: false }),
  ).join("---\n");
}
