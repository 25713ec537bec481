/** ManagedOSImages at the API server. */
import {
  API_GROUP,
  API_VERSION,
  managedOSImage,
  parseManagedOSImage,
  type ManagedOSImage,
} from "@rancheros/protocol/resources";
import { KubernetesError, readOrNothing, type Kubernetes } from "../../controller/index.ts";
import { mergePatch } from "../merge-patch.ts";
import type { ImageStore } from "../rollout-parts.ts";

function pathOf(namespace: string, name: string): string {
  return `/apis/${API_GROUP}/${API_VERSION}/namespaces/${namespace}/${managedOSImage.plural}/${name}`;
}

function parsed(object: unknown, namespace: string, name: string): ManagedOSImage {
  const result = parseManagedOSImage(object);
  if (result.ok) return result.value;
  throw new KubernetesError(
    "KUBERNETES_NONSENSE",
    `ManagedOSImage ${namespace}/${name}: ${result.problems.join("; ")}`,
  );
}

export function imageStore(kubernetes: Kubernetes): ImageStore {
  return {
    async read(namespace, name) {
      const object = await readOrNothing(kubernetes, pathOf(namespace, name));
      return object === undefined ? undefined : parsed(object, namespace, name);
    },
    async writeStatus(object, next) {
      const { namespace, name, uid, resourceVersion } = object.metadata;
      const stored = await kubernetes.send({
        method: "PATCH",
        path: `${pathOf(namespace, name)}/status`,
        contentType: "application/merge-patch+json",
        // The resource version makes a write on a changed object fail instead of undoing the change.
        body: { metadata: { uid, resourceVersion }, status: mergePatch(object.status ?? {}, next) },
      });
      return parsed(stored, namespace, name);
    },
  };
}
