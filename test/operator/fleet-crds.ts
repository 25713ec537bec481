/** Stand-ins for the kinds of Fleet that the operator reads: free-form, as tests fill them. */

const KINDS = { Cluster: "clusters", ClusterGroup: "clustergroups" } as const;

export type FleetKindName = keyof typeof KINDS;

export function fleetCrds(): readonly object[] {
  return Object.entries(KINDS).map(([kind, plural]) => ({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.fleet.cattle.io` },
    spec: {
      group: "fleet.cattle.io",
      scope: "Namespaced",
      names: { kind, plural, singular: kind.toLowerCase() },
      versions: [
        {
          name: "v1alpha1",
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
        },
      ],
    },
  }));
}

export function fleetObject(
  kind: FleetKindName,
  namespace: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
  spec: object = {},
): object {
  return { apiVersion: "fleet.cattle.io/v1alpha1", kind, metadata: { name, namespace, labels }, spec };
}
