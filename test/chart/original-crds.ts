/**
 * The CRDs that the original operator makes when it starts, and objects as it leaves them.
 * Origin: wrangler's pkg/crd makes a schema of the Go types of os2's pkg/apis/rancheros.cattle.io/v1 (machine.go, os.go),
 * and of rancheros-operator's, which adds channel.go and version.go:
 * every field nullable, maps without a schema, no rules.
 */

const text = { type: "string", nullable: true };
const texts = { type: "object", nullable: true, additionalProperties: { type: "string", nullable: true } };
const anything = { type: "object", nullable: true, "x-kubernetes-preserve-unknown-fields": true };

interface Original {
  readonly kind: string;
  readonly plural: string;
  readonly spec: object;
}

const KINDS: readonly Original[] = [
  {
    kind: "MachineInventory",
    plural: "machineinventories",
    spec: { tpmHash: text, smbios: anything, clusterName: text, machineTokenSecretName: text, config: anything },
  },
  {
    kind: "MachineRegistration",
    plural: "machineregistrations",
    spec: {
      machineName: text,
      machineInventoryLabels: texts,
      machineInventoryAnnotations: texts,
      cloudConfig: anything,
    },
  },
  {
    kind: "ManagedOSImage",
    plural: "managedosimages",
    spec: {
      osImage: text,
      cloudConfig: anything,
      nodeSelector: anything,
      concurrency: { type: "integer", nullable: true },
      prepare: anything,
      cordon: { type: "boolean", nullable: true },
      drain: anything,
      clusterRolloutStrategy: anything,
      clusterTargets: { type: "array", nullable: true, items: anything },
    },
  },
  {
    kind: "ManagedOSVersion",
    plural: "managedosversions",
    spec: { version: text, type: text, minVersion: text, metadata: anything, upgradeContainer: anything },
  },
  {
    kind: "ManagedOSVersionChannel",
    plural: "managedosversionchannels",
    spec: { type: text, options: anything, upgradeContainer: anything },
  },
];

export function originalCrds(): readonly object[] {
  return KINDS.map(({ kind, plural, spec }) => ({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: `${plural}.rancheros.cattle.io`,
      annotations: { "objectset.rio.cattle.io/id": "rancheros-operator" },
      labels: { "objectset.rio.cattle.io/hash": "1e7a4b8f0a2f1c4d5e6f708192a3b4c5d6e7f809" },
    },
    spec: {
      group: "rancheros.cattle.io",
      scope: "Namespaced",
      names: { kind, plural, singular: kind.toLowerCase() },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: {
            openAPIV3Schema: {
              type: "object",
              properties: { spec: { type: "object", nullable: true, properties: spec }, status: anything },
            },
          },
        },
      ],
    },
  }));
}

export function originalObjects(namespace: string): readonly object[] {
  const object = (kind: string, name: string, spec: object): object => ({
    apiVersion: "rancheros.cattle.io/v1",
    kind,
    metadata: { name, namespace },
    spec,
  });
  return [
    object("MachineRegistration", "old-door", {
      machineInventoryLabels: { rack: "r1" },
      machineInventoryAnnotations: null,
      cloudConfig: { users: [{ name: "root" }] },
    }),
    object("MachineInventory", "old-machine", {
      tpmHash: "d68795c6192af9922692f050b",
      smbios: { "System Information": { Manufacturer: "QEMU" } },
      clusterName: "",
      config: { role: "server", labels: null },
    }),
    object("ManagedOSImage", "old-image", {
      osImage: "rancher/os2:v0.0.0",
      concurrency: 1,
      drain: { timeout: 300_000_000_000 },
      clusterTargets: [{ clusterName: "c1" }],
    }),
    object("ManagedOSVersion", "old-version", {
      version: "latest",
      type: "container",
      minVersion: null,
      metadata: { upgradeImage: "rancher/os2:latest", isoChecksum: "abc" },
      upgradeContainer: null,
    }),
    object("ManagedOSVersionChannel", "old-channel", {
      type: "json",
      options: { uri: "https://example.com/versions.json", timeout: "1m" },
      upgradeContainer: null,
    }),
  ];
}
