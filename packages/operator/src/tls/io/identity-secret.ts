/** Keeps the operator's CA and serving certificate in a Secret, so that replicas and restarts show machines the same CA. */
import { randomBytes } from "node:crypto";
import { hasCode } from "@rancheros/protocol/errors";
import { readOrNothing, type Kubernetes } from "../../controller/index.ts";
import { nextIdentity, type IdentityStep, type TlsIdentity } from "../identity.ts";
import { identityData, readIdentity, ROTATE_ANNOTATION, type StoredIdentity } from "../read-identity.ts";
import { readTrustBundle } from "./trust-bundle.ts";

const SECRET_NAME = "rancheros-operator-tls";
const MERGE_PATCH = "application/merge-patch+json";
const TRIES = 5;

function collectionOf(namespace: string): string {
  return `/api/v1/namespaces/${namespace}/secrets`;
}

export interface IdentityWants {
  readonly namespace: string;
  /** Host names and addresses that machines use. */
  readonly names: readonly string[];
  /** Whether a certificate is made anew for a name that is missing. Not while another version of the operator may run. */
  readonly isThorough: boolean;
  readonly nowMs: () => number;
  /** Certificates that this process has told machines to trust. PEM. */
  readonly knownPem?: string;
}

/** In a merge patch, null takes a key out; stringData cannot. */
function patchData(identity: TlsIdentity): object {
  const entries = Object.entries(identityData(identity));
  return Object.fromEntries(
    entries.map(([key, text]) => [key, text === null ? null : Buffer.from(text).toString("base64")]),
  );
}

/** @param knownPem  see KnownCertificates; what was published is asked for only where the Secret does not say it all */
async function readStored(
  kubernetes: Kubernetes,
  namespace: string,
  knownPem: string,
): Promise<StoredIdentity | undefined> {
  const object = await readOrNothing(kubernetes, `${collectionOf(namespace)}/${SECRET_NAME}`);
  const found = readIdentity(object);
  if (found === undefined || found.isWhole) return found;
  return readIdentity(object, { told: knownPem, published: await readTrustBundle(kubernetes, namespace) });
}

async function store(
  kubernetes: Kubernetes,
  namespace: string,
  stored: StoredIdentity | undefined,
  identity: TlsIdentity,
): Promise<void> {
  const path = collectionOf(namespace);
  if (stored === undefined) {
    const metadata = { name: SECRET_NAME, namespace };
    const stringData = Object.fromEntries(Object.entries(identityData(identity)).filter(([, text]) => text !== null));
    // The chart's type: where it is another one, which nobody can change, helm refuses each upgrade.
    const body = { apiVersion: "v1", kind: "Secret", type: "Opaque", metadata, stringData };
    await kubernetes.send({ method: "POST", path, body });
    return;
  }
  // The chart's Secret is empty at first; its labels are to stay.
  const { resourceVersion } = stored;
  const annotations = { [ROTATE_ANNOTATION]: null };
  const body = { metadata: { resourceVersion, annotations }, data: patchData(identity) };
  await kubernetes.send({ method: "PATCH", path: `${path}/${SECRET_NAME}`, contentType: MERGE_PATCH, body });
}

/**
 * The identity in the Secret; made, renewed, or one step further in the change of its CA, where that is due.
 * @throws KubernetesError
 */
export async function ensureIdentity(
  kubernetes: Kubernetes,
  { namespace, names, isThorough, nowMs, knownPem = "" }: IdentityWants,
): Promise<{ readonly identity: TlsIdentity; readonly step: IdentityStep }> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const stored = await readStored(kubernetes, namespace, knownPem);
      const { identity, step } = nextIdentity(stored?.identity, {
        names,
        requiredNames: isThorough ? names : [],
        isRotationAsked: stored?.isRotationAsked ?? false,
        nowMs: nowMs(),
        random: randomBytes,
      });
      if (stored?.isAsStored === true && identity === stored.identity) return { identity, step };
      await store(kubernetes, namespace, stored, identity);
      return { identity, step: step === "kept" ? "mended" : step };
    } catch (error) {
      // Another replica was faster: what it made is what counts.
      const raced = hasCode(error, "KUBERNETES_ALREADY_EXISTS") || hasCode(error, "KUBERNETES_CONFLICT");
      if (!raced || attempt === TRIES) throw error;
    }
  }
}
