/** The pull secrets that an image names, from the API server. */
import { readOrNothing, type Kubernetes } from "../../controller/index.ts";
import { RegistryError } from "../errors.ts";
import { parsePullSecret, type RegistryCredential } from "../pull-secret.ts";

/** Each is a request; nobody has so many registries. */
const MAX_SECRETS = 16;

export interface PullSecrets {
  /** Of all secrets that can be used, in the order of their names. */
  readonly credentials: readonly RegistryCredential[];
  /** One sentence for each secret that cannot, without what it holds. */
  readonly problems: readonly string[];
}

/**
 * As the kubelet does, goes on with what can be used: a registry may let everybody in.
 * @param names  of `spec.imagePullSecrets`
 * @throws KubernetesError  the API server is away, or does not let the operator read Secrets there
 */
export async function readPullSecrets(
  kubernetes: Kubernetes,
  namespace: string,
  names: readonly string[],
): Promise<PullSecrets> {
  const credentials: RegistryCredential[] = [];
  const problems: string[] = [];
  if (names.length > MAX_SECRETS)
    problems.push(`only the first ${MAX_SECRETS} of ${names.length} pull secrets are read`);
  for (const name of names.slice(0, MAX_SECRETS)) {
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(name)}`;
    const secret = await readOrNothing(kubernetes, path);
    const told = `Secret ${namespace}/${name}`;
    try {
      if (secret === undefined) problems.push(`${told}: is not there`);
      else credentials.push(...parsePullSecret(secret));
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      problems.push(`${told}: ${error.message}`);
    }
  }
  return { credentials, problems };
}
