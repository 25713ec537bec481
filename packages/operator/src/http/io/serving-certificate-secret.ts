/** Keeps the operator's CA and serving certificate in a Secret, so that replicas and restarts show machines the same CA. */
import { randomBytes } from "node:crypto";
import { hasCode } from "@rancheros/protocol/errors";
import { readOrNothing, type Kubernetes } from "../../controller/index.ts";
import { isStillGood, makeCa, makeServingCertificate, type CertificateAndKey } from "../serving-certificate.ts";

const SECRET_NAME = "rancheros-operator-tls";
const TRIES = 5;

export interface ServingIdentity {
  readonly caPem: string;
  readonly serving: CertificateAndKey;
}

interface StoredIdentity {
  readonly resourceVersion: string;
  readonly ca: CertificateAndKey;
  readonly serving: CertificateAndKey;
}

function decoded(data: object, key: string): string {
  const value: unknown = Reflect.get(data, key);
  return typeof value === "string" ? Buffer.from(value, "base64").toString() : "";
}

function readStored(secret: unknown): StoredIdentity | undefined {
  if (typeof secret !== "object" || secret === null || !("metadata" in secret)) return undefined;
  const { metadata } = secret;
  const data = "data" in secret && typeof secret.data === "object" && secret.data !== null ? secret.data : {};
  if (typeof metadata !== "object" || metadata === null || !("resourceVersion" in metadata)) return undefined;
  return {
    resourceVersion: String(metadata.resourceVersion),
    ca: { certificatePem: decoded(data, "ca.crt"), keyPem: decoded(data, "ca.key") },
    serving: { certificatePem: decoded(data, "tls.crt"), keyPem: decoded(data, "tls.key") },
  };
}

function stringData(ca: CertificateAndKey, serving: CertificateAndKey): Readonly<Record<string, string>> {
  return {
    "ca.crt": ca.certificatePem,
    "ca.key": ca.keyPem,
    "tls.crt": serving.certificatePem,
    "tls.key": serving.keyPem,
  };
}

/**
 * The identity in the Secret; made, or renewed under the same CA, where it is missing or about to end.
 * @param names  host names and addresses that the certificate must cover
 * @throws KubernetesError
 */
export async function ensureServingIdentity(
  kubernetes: Kubernetes,
  namespace: string,
  names: readonly string[],
  nowMs: number,
): Promise<ServingIdentity> {
  const path = `/api/v1/namespaces/${namespace}/secrets`;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const stored = readStored(await readOrNothing(kubernetes, `${path}/${SECRET_NAME}`));
      if (stored !== undefined && isStillGood(stored.serving, stored.ca, names, nowMs)) {
        return { caPem: stored.ca.certificatePem, serving: stored.serving };
      }
      const ca = stored?.ca.keyPem ? stored.ca : makeCa(nowMs, randomBytes);
      const serving = makeServingCertificate(ca, names, nowMs, randomBytes);
      const content = { stringData: stringData(ca, serving) };
      if (stored === undefined) {
        const metadata = { name: SECRET_NAME, namespace };
        const body = { apiVersion: "v1", kind: "Secret", type: "kubernetes.io/tls", metadata, ...content };
        await kubernetes.send({ method: "POST", path, body });
      } else {
        // The chart's Secret is empty and of another type, which cannot be changed; its labels are to stay.
        const body = { metadata: { resourceVersion: stored.resourceVersion }, ...content };
        const contentType = "application/merge-patch+json";
        await kubernetes.send({ method: "PATCH", path: `${path}/${SECRET_NAME}`, contentType, body });
      }
      return { caPem: ca.certificatePem, serving };
    } catch (error) {
      // Another replica was faster: what it made is what counts.
      const raced = hasCode(error, "KUBERNETES_ALREADY_EXISTS") || hasCode(error, "KUBERNETES_CONFLICT");
      if (!raced || attempt === TRIES) throw error;
    }
  }
}
