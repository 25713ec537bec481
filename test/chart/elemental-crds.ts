/**
 * Kinds of Elemental's that have the names of ours in another group, without its schemas.
 * Source: elemental-operator, config/crd/bases: v1beta1, namespaced, no short names
 */

function pluralOf(kind: string): string {
  return kind.toLowerCase().replace(/y$/, "ie").concat("s");
}

export function elementalCrdName(kind: string): string {
  return `${pluralOf(kind)}.elemental.cattle.io`;
}

export function elementalCrd(kind: string): object {
  const anything = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: elementalCrdName(kind) },
    spec: {
      group: "elemental.cattle.io",
      scope: "Namespaced",
      names: { kind, plural: pluralOf(kind), singular: kind.toLowerCase() },
      versions: [
        {
          name: "v1beta1",
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: { openAPIV3Schema: anything },
        },
      ],
    },
  };
}
