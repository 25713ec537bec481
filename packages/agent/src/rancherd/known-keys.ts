/** What rancherd understands in its configuration, and what each has to be. Source: rancherd pkg/config/{types,runtime}.go */

export type KeyShape = "text" | "texts" | "map" | "maps";

export const KNOWN_KEYS: Readonly<Record<string, KeyShape>> = {
  role: "text",
  tlsSans: "texts",
  nodeName: "text",
  address: "text",
  internalAddress: "text",
  taints: "texts",
  labels: "texts",
  token: "text",
  extraConfig: "map",
  kubernetesVersion: "text",
  rancherVersion: "text",
  server: "text",
  discovery: "map",
  rancherValues: "map",
  preInstructions: "maps",
  postInstructions: "maps",
  bootstrapResources: "maps",
  resources: "maps",
  runtimeInstallerImage: "text",
  rancherInstallerImage: "text",
  systemDefaultRegistry: "text",
  registries: "map",
};

/** Go's JSON takes a field's name in any case. */
export function knownKey(key: string): string | undefined {
  if (Object.hasOwn(KNOWN_KEYS, key)) return key;
  const lower = key.toLowerCase();
  return Object.keys(KNOWN_KEYS).find((known) => known.toLowerCase() === lower);
}
