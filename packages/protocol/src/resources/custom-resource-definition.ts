/** The CustomResourceDefinition of a kind, as an object ready to be written as YAML. */
import { API_GROUP, API_VERSION } from "./group.ts";
import type { ResourceKind } from "./resource-kind.ts";
import { structuralSchema } from "./structural-schema.ts";

/** @returns an apiextensions.k8s.io/v1 CustomResourceDefinition with one served and stored version, and a status subresource */
export function customResourceDefinition(resource: ResourceKind) {
  const spec = structuralSchema(resource.spec);
  const isOptional = resource.isSpecOptional === true;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${resource.plural}.${API_GROUP}` },
    spec: {
      group: API_GROUP,
      scope: "Namespaced",
      names: {
        kind: resource.kind,
        listKind: `${resource.kind}List`,
        plural: resource.plural,
        singular: resource.singular,
        shortNames: resource.shortNames,
        categories: ["rancheros"],
      },
      versions: [
        {
          name: API_VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: resource.columns,
          schema: {
            openAPIV3Schema: {
              type: "object",
              description: resource.description,
              ...(isOptional ? {} : { required: ["spec"] }),
              properties: {
                apiVersion: { type: "string", description: "Version of the schema of this object." },
                kind: { type: "string", description: "Kind of this object." },
                metadata: { type: "object" },
                spec: isOptional ? { ...spec, nullable: true } : spec,
                status: structuralSchema(resource.status),
              },
            },
          },
        },
      ],
    },
  };
}
