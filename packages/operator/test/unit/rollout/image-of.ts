/** An image, and the version that it may name, as the API server would have them. */
import type { ManagedOSImage, ManagedOSImageStatus, ManagedOSVersionSpec } from "@rancheros/protocol/resources";

export const NAMESPACE = "fleet-default";

export function imageOf(spec: ManagedOSImage["spec"], status?: ManagedOSImageStatus, version = "1"): ManagedOSImage {
  const metadata = { name: "os", namespace: NAMESPACE, uid: "i", resourceVersion: version, generation: 1 };
  return {
    metadata,
    spec: { targets: [{ clusterSelector: {} }], ...spec },
    ...(status === undefined ? {} : { status }),
  };
}

export function versionOf(image: string, more: Partial<ManagedOSVersionSpec> = {}): ManagedOSVersionSpec {
  return { version: "v2.0.0", metadata: { upgradeImage: image }, ...more };
}
