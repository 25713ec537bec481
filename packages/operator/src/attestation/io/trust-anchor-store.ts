/** Trust anchors at the API server: ConfigMaps and Secrets, read when a machine comes, and not for each of them. */
import type { RegistrationAttestation } from "@rancheros/protocol/resources";
import { readOrNothing, type Kubernetes } from "../../controller/index.ts";
import { NO_TRUST_ANCHORS, trustAnchors, type TrustAnchors } from "../trust-anchors.ts";

/** How long an administrator's change may go unseen. */
const FRESH_MS = 30_000;
/** How long what was read is good for while the API server does not answer. */
const STALE_MS = 10 * 60_000;
/** After a failure nobody waits for the API server again so soon, while there is an old answer. */
const PAUSE_MS = 5_000;
/** Objects that are remembered; more registrations than that with anchors of their own are read again. */
const MAX_OBJECTS = 256;

export interface TrustAnchorStore {
  /**
   * The registration's own anchors where it names some, else the operator's. A missing object gives no anchors and a
   * problem that names it.
   * @throws KubernetesError  the API server has not answered for longer than an old answer is good for
   */
  anchorsFor(registration: RegistrationAnchors): Promise<TrustAnchors>;
}

export interface RegistrationAnchors {
  readonly namespace: string;
  readonly spec: { readonly attestation?: RegistrationAttestation | undefined };
}

/** The ConfigMap whose anchors count for every registration without its own; it may be missing. */
export interface OperatorAnchors {
  readonly namespace: string;
  readonly configMapName: string;
}

interface Source {
  readonly kind: "ConfigMap" | "Secret";
  readonly namespace: string;
  readonly name: string;
  readonly mayBeMissing: boolean;
}

interface Held {
  anchors: TrustAnchors | undefined;
  readAtMs: number;
  /** When it last could not be read; undefined since it was. */
  failedAtMs: number | undefined;
  reading: Promise<TrustAnchors> | undefined;
}

/**
 * @param nowMs          a clock that never goes back
 * @param operatorWide   undefined: registrations without anchors of their own have none
 */
export function createTrustAnchorStore(
  kubernetes: Kubernetes,
  nowMs: () => number,
  operatorWide?: OperatorAnchors,
): TrustAnchorStore {
  const held = new Map<string, Held>();

  function read(source: Source, entry: Held): Promise<TrustAnchors> {
    entry.reading ??= readAnchors(kubernetes, source)
      .then((anchors) => {
        entry.anchors = anchors;
        entry.readAtMs = nowMs();
        entry.failedAtMs = undefined;
        return anchors;
      })
      .finally(() => (entry.reading = undefined));
    return entry.reading;
  }

  async function anchorsOf(source: Source): Promise<TrustAnchors> {
    const key = `${source.kind}/${source.namespace}/${source.name}`;
    const entry = held.get(key) ?? { anchors: undefined, readAtMs: 0, failedAtMs: undefined, reading: undefined };
    // The one that was asked for longest ago makes room.
    held.delete(key);
    held.set(key, entry);
    const [oldest] = held.keys();
    if (held.size > MAX_OBJECTS && oldest !== undefined) held.delete(oldest);
    const { anchors, readAtMs, failedAtMs } = entry;
    const ageMs = nowMs() - readAtMs;
    if (anchors === undefined || ageMs >= STALE_MS) return read(source, entry);
    const isPaused = failedAtMs !== undefined && nowMs() - failedAtMs < PAUSE_MS;
    if (ageMs < FRESH_MS || isPaused) return anchors;
    try {
      return await read(source, entry);
    } catch {
      entry.failedAtMs = nowMs();
      return anchors;
    }
  }

  return {
    async anchorsFor({ namespace, spec }) {
      const own = spec.attestation?.trustAnchors;
      if (own?.configMapName !== undefined) {
        return anchorsOf({ kind: "ConfigMap", namespace, name: own.configMapName, mayBeMissing: false });
      }
      if (own?.secretName !== undefined) {
        return anchorsOf({ kind: "Secret", namespace, name: own.secretName, mayBeMissing: false });
      }
      if (operatorWide === undefined) return NO_TRUST_ANCHORS;
      const { namespace: home, configMapName: name } = operatorWide;
      return anchorsOf({ kind: "ConfigMap", namespace: home, name, mayBeMissing: true });
    },
  };
}

async function readAnchors(kubernetes: Kubernetes, source: Source): Promise<TrustAnchors> {
  const { kind, namespace, name } = source;
  const collection = kind === "ConfigMap" ? "configmaps" : "secrets";
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/${collection}/${encodeURIComponent(name)}`;
  const object = await readOrNothing(kubernetes, path);
  if (object === undefined) {
    const missing = `${kind} ${namespace}/${name} with the trust anchors does not exist`;
    return source.mayBeMissing ? NO_TRUST_ANCHORS : { ...NO_TRUST_ANCHORS, problems: [missing] };
  }
  const anchors = trustAnchors(Object.fromEntries(dataOf(object, kind)));
  const from = `${kind} ${namespace}/${name}`;
  const binary = Object.keys(fieldOf(object, "binaryData"));
  return {
    ...anchors,
    revocations: anchors.revocations.map((one) => ({ ...one, where: `${from}: ${one.where}` })),
    problems: [
      ...anchors.problems.map((problem) => `${from}: ${problem}`),
      ...binary.slice(0, 8).map((key) => `${from}: key ${key}: is binary, not PEM`),
    ],
  };
}

function* dataOf(object: unknown, kind: Source["kind"]): Generator<[string, string]> {
  for (const [key, value] of Object.entries(fieldOf(object, "data"))) {
    if (typeof value !== "string") continue;
    yield [key, kind === "Secret" ? Buffer.from(value, "base64").toString("latin1") : value];
  }
}

function fieldOf(object: unknown, field: string): object {
  const value: unknown = typeof object === "object" && object !== null ? Reflect.get(object, field) : undefined;
  return typeof value === "object" && value !== null ? value : {};
}
