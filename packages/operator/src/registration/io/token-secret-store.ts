/** The Secrets that hold registration tokens, at the API server. */
import { hasCode } from "@rancheros/protocol/errors";
import type { MachineRegistration } from "@rancheros/protocol/resources";
import { readOrNothing, type Kubernetes } from "../../controller/index.ts";
import type { SecretUpdate } from "../registration-tokens.ts";
import {
  newSecret,
  ownerReferences,
  secretFields,
  type RegistrationSecret,
  type SecretContent,
} from "../token-secret.ts";

function secretsPath(namespace: string): string {
  return `/api/v1/namespaces/${namespace}/secrets`;
}

/**
 * Makes the Secret; of two replicas that do it at once one wins, and the other one reads what the first has made.
 * @returns the Secret that is there then, of whatever type; undefined where it has vanished again
 * @throws KubernetesError
 */
export async function createTokenSecret(
  kubernetes: Kubernetes,
  registration: MachineRegistration,
  content: SecretContent,
): Promise<unknown> {
  const body = newSecret(registration, content);
  const path = secretsPath(body.metadata.namespace);
  try {
    return await kubernetes.send({ method: "POST", path, body });
  } catch (error) {
    if (!hasCode(error, "KUBERNETES_ALREADY_EXISTS")) throw error;
    return readOrNothing(kubernetes, `${path}/${body.metadata.name}`);
  }
}

/**
 * @returns the Secret as it is stored now
 * @throws KubernetesError  KUBERNETES_CONFLICT where somebody has changed it meanwhile
 */
export async function updateTokenSecret(
  kubernetes: Kubernetes,
  registration: MachineRegistration,
  secret: RegistrationSecret,
  { content, isAdopted }: SecretUpdate,
): Promise<unknown> {
  const { namespace, name, resourceVersion } = secret.metadata;
  const { annotations, data } = secretFields(content);
  const owner = isAdopted ? { ownerReferences: ownerReferences(registration) } : {};
  return kubernetes.send({
    method: "PATCH",
    path: `${secretsPath(namespace)}/${name}`,
    contentType: "application/merge-patch+json",
    body: { metadata: { resourceVersion, annotations, ...owner }, data },
  });
}

/** Deletes the Secret, if it still is the one of this uid. @throws KubernetesError */
export async function deleteTokenSecret(kubernetes: Kubernetes, secret: RegistrationSecret): Promise<void> {
  const { namespace, name, uid } = secret.metadata;
  const body = { apiVersion: "v1", kind: "DeleteOptions", preconditions: { uid } };
  try {
    await kubernetes.send({ method: "DELETE", path: `${secretsPath(namespace)}/${name}`, body });
  } catch (error) {
    if (!hasCode(error, "KUBERNETES_NOT_FOUND") && !hasCode(error, "KUBERNETES_CONFLICT")) throw error;
  }
}
