/** MachineRegistrations at the API server. */
import {
  API_GROUP,
  API_VERSION,
  machineRegistration,
  type MachineRegistration,
  type MachineRegistrationStatus,
} from "@rancheros/protocol/resources";
import type { Kubernetes } from "../../controller/index.ts";
import type { StatusPatch } from "../reconcile-registration.ts";

/**
 * Writes into the status, unless the object was changed since it was read: of two replicas that write at once, one wins.
 * @throws KubernetesError  KUBERNETES_CONFLICT where it was changed
 */
export async function writeRegistrationStatus(
  kubernetes: Kubernetes,
  registration: MachineRegistration,
  status: StatusPatch | Partial<MachineRegistrationStatus>,
): Promise<unknown> {
  const { namespace, name, resourceVersion } = registration.metadata;
  return kubernetes.send({
    method: "PATCH",
    path: `/apis/${API_GROUP}/${API_VERSION}/namespaces/${namespace}/${machineRegistration.plural}/${name}/status`,
    contentType: "application/merge-patch+json",
    body: { metadata: { resourceVersion }, status },
  });
}
