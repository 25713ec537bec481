/** Publishes which CAs machines are to trust, for whoever hands that to machines or asks the operator itself. */
import { hasCode } from "@rancheros/protocol/errors";
import { readOrNothing, type Kubernetes } from "../../controller/index.ts";

const CONFIG_MAP_NAME = "rancheros-operator-ca";
const KEY = "ca.crt";

function dataOf(configMap: unknown): unknown {
  const data = typeof configMap === "object" && configMap !== null && "data" in configMap ? configMap.data : undefined;
  return typeof data === "object" && data !== null ? Reflect.get(data, KEY) : undefined;
}

function pathOf(namespace: string): string {
  return `/api/v1/namespaces/${namespace}/configmaps/${CONFIG_MAP_NAME}`;
}

/** What was published last, PEM; "" where nothing is. @throws KubernetesError */
export async function readTrustBundle(kubernetes: Kubernetes, namespace: string): Promise<string> {
  const pem = dataOf(await readOrNothing(kubernetes, pathOf(namespace)));
  return typeof pem === "string" ? pem : "";
}

/**
 * Writes the ConfigMap where it says something else.
 * @param pem  certificates, one after the other
 * @throws KubernetesError
 */
export async function publishTrustBundle(kubernetes: Kubernetes, namespace: string, pem: string): Promise<void> {
  const collection = `/api/v1/namespaces/${namespace}/configmaps`;
  const path = pathOf(namespace);
  const found = await readOrNothing(kubernetes, path);
  if (dataOf(found) === pem) return;
  const data = { [KEY]: pem };
  if (found !== undefined) {
    await kubernetes.send({ method: "PATCH", path, contentType: "application/merge-patch+json", body: { data } });
    return;
  }
  const metadata = { name: CONFIG_MAP_NAME, namespace };
  try {
    await kubernetes.send({
      method: "POST",
      path: collection,
      body: { apiVersion: "v1", kind: "ConfigMap", metadata, data },
    });
  } catch (error) {
    // Another replica was faster, with the same text or with a newer one that is looked at next time.
    if (!hasCode(error, "KUBERNETES_ALREADY_EXISTS")) throw error;
  }
}
