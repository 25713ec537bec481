/** What a ManagedOSImage refers to: digests at registries, pull secrets, and what envFrom names. */
import type { CodedError } from "@rancheros/protocol/errors";
import { parseImageReference, writeImageName, writeImageReference } from "@rancheros/protocol/images";
import type { ManagedOSImage } from "@rancheros/protocol/resources";
import type { ImagePolicy, VerifyKeyless } from "@rancheros/protocol/signatures";
import type { RegistryCredential as HostCredential } from "@rancheros/protocol/upgrade";
import { readOrNothing, type Kubernetes } from "../../controller/index.ts";
import {
  checkSignatures,
  matchCredentials,
  parsePullSecret,
  RegistryError,
  resolveDigest,
  type RegistryCredential,
  type RegistryOutside,
  type RegistrySettings,
  type ResolvedImage,
} from "../../registry/index.ts";
import type { Materials } from "../build-plan.ts";
import { envSources, variablesOf, type EnvSource } from "../env-from.ts";
import { RolloutError } from "../errors.ts";
import { allOrEveryProblem } from "../every-problem.ts";
import { canonicalJson } from "../plan-id.ts";
import { namedImages, type NamedImage } from "../resolved.ts";

/** Read again after so long: many machines that ask at once are served by one look. */
const KEPT_MS = 5_000;
const KEPT_MAX = 1_000;
const KNOWN_MAX = 1_000;
/** Of a plan's 90 KiB, what is left to accounts beside the first one of each image. */
const FURTHER_ACCOUNTS_MAX_BYTES = 16 * 1024;

export interface MaterialsOptions {
  readonly kubernetes: Kubernetes;
  readonly registry: RegistryOutside;
  readonly registrySettings: RegistrySettings;
  readonly imagePolicy: ImagePolicy;
  readonly verifyKeyless: VerifyKeyless;
  /** An image begins its way to machines without the signature that the policy wants, as it only warns. */
  readonly onUnsigned: (object: ManagedOSImage, image: NamedImage, error: CodedError) => void;
  readonly nowMs: () => number;
  /** Aborted where nobody waits for the answers of registries any more. */
  readonly signal: AbortSignal;
}

export interface PlanMaterials {
  resolve(object: ManagedOSImage, image: NamedImage): Promise<string>;
  materials(object: ManagedOSImage): Promise<Materials>;
}

function missing(kind: string, namespace: string, name: string): RolloutError {
  return new RolloutError("ROLLOUT_REFERENCE_MISSING", `there is no ${kind} ${namespace}/${name}`);
}

export function planMaterials(options: MaterialsOptions): PlanMaterials {
  const { kubernetes, nowMs, signal } = options;
  const kept = new Map<string, { readonly atMs: number; readonly materials: Promise<Materials> }>();

  /** What tags led to the last time they were asked for. */
  const known = new Map<string, ResolvedImage>();

  async function pullSecret(namespace: string, name: string): Promise<readonly RegistryCredential[]> {
    const secret = await readOrNothing(
      kubernetes,
      `/api/v1/namespaces/${namespace}/secrets/${encodeURIComponent(name)}`,
    );
    if (secret === undefined) throw missing("Secret", namespace, name);
    try {
      return parsePullSecret(secret);
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      const message = `Secret ${namespace}/${name}: ${error.message}`;
      throw new RolloutError("ROLLOUT_REFERENCE_INVALID", message, { cause: error });
    }
  }

  async function credentialsOf({ metadata, spec }: ManagedOSImage): Promise<readonly RegistryCredential[]> {
    const all = await allOrEveryProblem(
      (spec.imagePullSecrets ?? []).map(({ name }) => pullSecret(metadata.namespace, name)),
    );
    return all.flat();
  }

  async function variables(namespace: string, source: EnvSource): Promise<Readonly<Record<string, string>>> {
    const plural = source.kind === "Secret" ? "secrets" : "configmaps";
    const path = `/api/v1/namespaces/${namespace}/${plural}/${encodeURIComponent(source.name)}`;
    const object = await readOrNothing(kubernetes, path);
    if (object === undefined && !source.isOptional) throw missing(source.kind, namespace, source.name);
    return object === undefined ? {} : variablesOf(source, object);
  }

  async function envOf(namespace: string, sources: readonly EnvSource[]): Promise<Readonly<Record<string, string>>> {
    const all = await allOrEveryProblem(sources.map((source) => variables(namespace, source)));
    // As in Kubernetes, a later source wins.
    return Object.fromEntries(all.flatMap((one) => Object.entries(one)));
  }

  async function read(object: ManagedOSImage): Promise<Materials> {
    const { metadata, spec } = object;
    const [credentials, prepareEnv, upgradeEnv] = await allOrEveryProblem([
      credentialsOf(object),
      envOf(metadata.namespace, envSources(spec.prepare, "spec.prepare")),
      envOf(metadata.namespace, envSources(spec.upgradeContainer, "spec.upgradeContainer")),
    ]);
    return { ...credentialsForImages(object, credentials), prepareEnv, upgradeEnv };
  }

  return {
    async resolve(object, image) {
      const credentials = await credentialsOf(object);
      const settings = options.registrySettings;
      const reference = parseImageReference(image.image);
      const knownKey = JSON.stringify([object.metadata.uid, writeImageReference(reference)]);
      const before = known.get(knownKey);
      const resolved = await resolveDigest(options.registry, reference, {
        settings,
        credentials,
        signal,
        known: before,
      });
      if (known.size >= KNOWN_MAX && before === undefined) known.clear();
      known.set(knownKey, resolved);
      const { digest } = resolved;
      if (digest.startsWith("sha256:")) {
        // Before any machine hears of it.
        const { imagePolicy: policy, verifyKeyless } = options;
        const asked = { policy, verifyKeyless, settings, credentials, signal };
        const verdict = await checkSignatures(options.registry, reference, digest, asked);
        if (verdict.kind === "warned") options.onUnsigned(object, image, verdict.error);
        return digest;
      }
      throw new RolloutError(
        "ROLLOUT_REFERENCE_INVALID",
        `${image.image}: nodes take digests of sha256, not ${digest}`,
      );
    },
    materials(object) {
      const { metadata, spec } = object;
      // What a version says is in the spec, and no change of its generation.
      const { osImage, prepare, upgradeContainer } = spec;
      const key = canonicalJson([metadata.uid, metadata.generation, osImage, prepare, upgradeContainer]);
      const found = kept.get(key);
      if (found !== undefined && nowMs() - found.atMs < KEPT_MS) return found.materials;
      if (kept.size >= KEPT_MAX) kept.clear();
      const materials = read(object);
      kept.set(key, { atMs: nowMs(), materials });
      return materials;
    },
  };
}

/**
 * Of all credentials, what the image's own registries may need: a machine is told no other account. Each that the
 * operator would try is among them, in the same order: which of them lets a node in is found out there too.
 */
function credentialsForImages(
  object: ManagedOSImage,
  all: readonly RegistryCredential[],
): Pick<Materials, "credentials" | "firstCredentials"> {
  const found = new Map<string, HostCredential>();
  const first = new Map<string, HostCredential>();
  let furtherBytes = 0;
  for (const { image } of namedImages(object)) {
    const reference = parseImageReference(image);
    const matching = matchCredentials(all, writeImageName(reference));
    for (const [index, { username, password }] of matching.entries()) {
      const credential = { registry: reference.host, username, password };
      const text = JSON.stringify(credential);
      if (index === 0) first.set(text, credential);
      if (found.has(text)) continue;
      if (index > 0) furtherBytes += Buffer.byteLength(text);
      if (index === 0 || furtherBytes <= FURTHER_ACCOUNTS_MAX_BYTES) found.set(text, credential);
    }
  }
  return { credentials: [...found.values()], firstCredentials: [...first.values()] };
}
