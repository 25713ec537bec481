/** Stand-ins for the kinds of Rancher that the operator reads and writes: free-form, as Rancher's own CRDs mostly are. */

interface RancherKind {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly scope: "Cluster" | "Namespaced";
}

const KINDS = {
  Setting: { group: "management.cattle.io", version: "v3", plural: "settings", scope: "Cluster" },
  ClusterRegistrationToken: {
    group: "management.cattle.io",
    version: "v3",
    plural: "clusterregistrationtokens",
    scope: "Namespaced",
  },
  Cluster: { group: "provisioning.cattle.io", version: "v1", plural: "clusters", scope: "Namespaced" },
} as const satisfies Readonly<Record<string, RancherKind>>;

export type RancherKindName = keyof typeof KINDS;

/** CustomResourceDefinitions without a status subresource, so that tests can write statuses as Rancher would. */
export function rancherCrds(): readonly object[] {
  return Object.entries(KINDS).map(([kind, { group, version, plural, scope }]) => ({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: { kind, plural, singular: kind.toLowerCase() },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
        },
      ],
    },
  }));
}

export function rancherObject(
  kind: RancherKindName,
  namespace: string | undefined,
  name: string,
  fields: Readonly<Record<string, unknown>>,
): object {
  const { group, version } = KINDS[kind];
  const metadata = namespace === undefined ? { name } : { name, namespace };
  return { apiVersion: `${group}/${version}`, kind, metadata, ...fields };
}
