/** Keeps the operator's CA and serving certificate in a Secret, so that replicas and restarts show machines the same CA. */
import { randomBytes } from "node:crypto";
import { hasCode } from "@rancheros/protocol/errors";
import { readOrNothing, type Kubernetes } from "../../controller/index.ts";
import { nextIdentity, type IdentityStep, type TlsIdentity } from "../identity.ts";
import { identityData, readIdentity, ROTATE_ANNOTATION } from "../read-identity.ts";
import { readTrustBundle } from "./trust-bundle.ts";

const SECRET_NAME = "rancheros-operator-tls";
const MERGE_PATCH = "application/merge-patch+json";
const TRIES = 5;

export interface IdentityWants {
  readonly namespace: string;
  /** Host names and addresses that machines use. */
  readonly names: readonly string[];
  /** Whether a certificate is made anew for a name that is missing. Not while another version of the operator may run. */
  readonly isThorough: boolean;
  readonly nowMs: () => number;
  /** Certificates that machines were told to trust, as far as this process knows. PEM. */
  readonly knownPem?: string;
}

/** In a merge patch, null takes a key out; stringData cannot. */
function patchData(identity: TlsIdentity): object {
  const entries = Object.entries(identityData(identity));
  return Object.fromEntries(
    entries.map(([key, text]) => [key, text === null ? null : Buffer.from(text).toString("base64")]),
  );
}

/**
 * The identity in the Secret; made, renewed, or one step further in the change of its CA, where that is due.
 * @throws KubernetesError
 */
export async function ensureIdentity(
  kubernetes: Kubernetes,
  { namespace, names, isThorough, nowMs, knownPem = "" }: IdentityWants,
): Promise<{ readonly identity: TlsIdentity; readonly step: IdentityStep }> {
  const path = `/api/v1/namespaces/${namespace}/secrets`;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const object = await readOrNothing(kubernetes, `${path}/${SECRET_NAME}`);
      const found = readIdentity(object);
      const stored =
        found === undefined || found.isWhole
          ? found
          : readIdentity(object, knownPem + (await readTrustBundle(kubernetes, namespace)));
      const { identity, step: next } = nextIdentity(stored?.identity, {
        names,
        requiredNames: isThorough ? names : [],
        isRotationAsked: stored?.isRotationAsked ?? false,
        nowMs: nowMs(),
        random: randomBytes,
      });
      const isAsStored = stored?.isAsStored ?? false;
      if (isAsStored && identity === stored?.identity) return { identity, step: next };
      const step = !isAsStored && next === "kept" ? "mended" : next;
      if (stored === undefined) {
        const metadata = { name: SECRET_NAME, namespace };
        const stringData = Object.fromEntries(
          Object.entries(identityData(identity)).filter(([, text]) => text !== null),
        );
        // The chart's type: where it is another one, which nobody can change, helm refuses each upgrade.
        const body = { apiVersion: "v1", kind: "Secret", type: "Opaque", metadata, stringData };
        await kubernetes.send({ method: "POST", path, body });
      } else {
        // The chart's Secret is empty at first; its labels are to stay.
        const { resourceVersion } = stored;
        const annotations = { [ROTATE_ANNOTATION]: null };
        const body = { metadata: { resourceVersion, annotations }, data: patchData(identity) };
        await kubernetes.send({ method: "PATCH", path: `${path}/${SECRET_NAME}`, contentType: MERGE_PATCH, body });
      }
      return { identity, step };
    } catch (error) {
      // Another replica was faster: what it made is what counts.
      const raced = hasCode(error, "KUBERNETES_ALREADY_EXISTS") || hasCode(error, "KUBERNETES_CONFLICT");
      if (!raced || attempt === TRIES) throw error;
    }
  }
}
