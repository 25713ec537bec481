/** Keeps the operator's CA and serving certificate in a Secret, so that replicas and restarts show machines the same CA. */
import { randomBytes } from "node:crypto";
import { hasCode } from "@rancheros/protocol/errors";
import { readOrNothing, type Kubernetes } from "../../controller/index.ts";
import { nextIdentity, trustBundle, type IdentityStep, type TlsIdentity } from "../identity.ts";
import { identityData, readIdentity, ROTATE_ANNOTATION, type StoredIdentity } from "../read-identity.ts";
import { readTrustBundle } from "./trust-bundle.ts";

const SECRET_NAME = "rancheros-operator-tls";
const MERGE_PATCH = "application/merge-patch+json";
const TRIES = 5;
/** A Secret that is older than that and empty was not just made by the chart: somebody has emptied it. */
const NEW_MS = 600_000;
/** Replicas look once in 45 to 75 seconds. */
const HOLDER_MS = 100_000;
const PAUSE_MS = 5_000;

function collectionOf(namespace: string): string {
  return `/api/v1/namespaces/${namespace}/secrets`;
}

/** What a process has told machines to trust, and the Secret that it read it in. */
export interface HeldIdentity {
  readonly identity: TlsIdentity;
  readonly uid: string | undefined;
}

export interface IdentityWants {
  readonly namespace: string;
  /** Host names and addresses that machines use. */
  readonly names: readonly string[];
  /** Whether a certificate is made anew for a name that is missing. Not while another version of the operator may run. */
  readonly isThorough: boolean;
  readonly nowMs: () => number;
  /** By this process, since it looked last. */
  readonly held?: HeldIdentity | undefined;
}

/** In a merge patch, null takes a key out; stringData cannot. */
function patchData(identity: TlsIdentity): object {
  const entries = Object.entries(identityData(identity));
  return Object.fromEntries(
    entries.map(([key, text]) => [key, text === null ? null : Buffer.from(text).toString("base64")]),
  );
}

/**
 * What was published is asked for only where the Secret does not say it all.
 * @param held  is what a Secret says from which all was taken out, unless it is another Secret: to delete it is how people
 *              take a CA out of use
 */
async function readStored(
  kubernetes: Kubernetes,
  namespace: string,
  held: HeldIdentity | undefined,
): Promise<StoredIdentity | undefined> {
  const object = await readOrNothing(kubernetes, `${collectionOf(namespace)}/${SECRET_NAME}`);
  const found = readIdentity(object);
  if (found === undefined || found.isWhole) return found;
  if (found.isEmpty) {
    const isHeld = found.uid !== undefined && found.uid === held?.uid;
    return isHeld ? { ...found, identity: held.identity, isAsStored: false } : found;
  }
  const told = held === undefined ? "" : trustBundle(held.identity);
  return readIdentity(object, { told, published: await readTrustBundle(kubernetes, namespace) });
}

/** @returns the Secret as it is then */
async function store(
  kubernetes: Kubernetes,
  namespace: string,
  stored: StoredIdentity | undefined,
  identity: TlsIdentity,
): Promise<unknown> {
  const path = collectionOf(namespace);
  if (stored === undefined) {
    const metadata = { name: SECRET_NAME, namespace };
    const stringData = Object.fromEntries(Object.entries(identityData(identity)).filter(([, text]) => text !== null));
    // The chart's type: where it is another one, which nobody can change, helm refuses each upgrade.
    const body = { apiVersion: "v1", kind: "Secret", type: "Opaque", metadata, stringData };
    return kubernetes.send({ method: "POST", path, body });
  }
  // The chart's Secret is empty at first; its labels are to stay.
  const { resourceVersion } = stored;
  const annotations = { [ROTATE_ANNOTATION]: null };
  const body = { metadata: { resourceVersion, annotations }, data: patchData(identity) };
  return kubernetes.send({ method: "PATCH", path: `${path}/${SECRET_NAME}`, contentType: MERGE_PATCH, body });
}

/**
 * Gives replicas that run the time to write back what somebody has taken out of the Secret: a replica that starts would
 * make another CA, and machines would not know it. Not where the Secret is new, as in a new installation.
 * @param onWait  told once, before the first pause
 * @throws KubernetesError, and what `pause` throws
 */
export async function waitForHolder(
  kubernetes: Kubernetes,
  namespace: string,
  nowMs: () => number,
  pause: (ms: number) => Promise<void>,
  onWait: () => void,
): Promise<void> {
  for (let pausedMs = 0; pausedMs < HOLDER_MS; pausedMs += PAUSE_MS) {
    const stored = await readStored(kubernetes, namespace, undefined);
    if (stored?.isEmpty !== true || !(nowMs() - stored.createdMs > NEW_MS)) return;
    if (pausedMs === 0) onWait();
    await pause(PAUSE_MS);
  }
}

/** What it was to write an identity that is no other than before. */
function writtenStep(stored: StoredIdentity | undefined): IdentityStep {
  return stored?.isEmpty === true ? "restored" : "mended";
}

/** Another replica was faster: what it made is what counts. */
function isRaced(error: unknown): boolean {
  return hasCode(error, "KUBERNETES_ALREADY_EXISTS") || hasCode(error, "KUBERNETES_CONFLICT");
}

/**
 * The identity in the Secret; made, renewed, or one step further in the change of its CA, where that is due. Where the
 * Secret that it was read in was emptied since, what is held is written back: `helm upgrade --force` does that, and with
 * another CA no machine would be let in that knows this one.
 * @throws KubernetesError
 */
export async function ensureIdentity(
  kubernetes: Kubernetes,
  { namespace, names, isThorough, nowMs, held }: IdentityWants,
): Promise<HeldIdentity & { readonly step: IdentityStep }> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const stored = await readStored(kubernetes, namespace, held);
      const { identity, step } = nextIdentity(stored?.identity, {
        names,
        requiredNames: isThorough ? names : [],
        isRotationAsked: stored?.isRotationAsked ?? false,
        nowMs: nowMs(),
        random: randomBytes,
      });
      if (stored?.isAsStored === true && identity === stored.identity) return { identity, step, uid: stored.uid };
      const uid = readIdentity(await store(kubernetes, namespace, stored, identity))?.uid;
      return { identity, step: step === "kept" ? writtenStep(stored) : step, uid };
    } catch (error) {
      if (!isRaced(error) || attempt === TRIES) throw error;
    }
  }
}
