/** Finds the boot media that a MachineRegistration names, and remembers them for a while: machines come in crowds. */
import type { CodedError } from "@rancheros/protocol/errors";
import { parseImageReference } from "@rancheros/protocol/images";
import type { MachineRegistration } from "@rancheros/protocol/resources";
import type { ImagePolicy, VerifyKeyless } from "@rancheros/protocol/signatures";
import {
  checkSignatures,
  openArtifact,
  openBlob,
  type PullSecrets,
  type RegistryBlobs,
  type RegistrySettings,
} from "../registry/index.ts";
import { mediaOf, type FoundMedia } from "./boot-desk.ts";
import { parseBootManifest } from "./boot-manifest.ts";

/** Long enough for one boot's four requests, short enough that a tag that moved is seen by the next machine. */
const KEPT_MS = 60_000;
const KEPT_MAX = 256;

export interface MediaFinderParts {
  readonly blobs: RegistryBlobs;
  readonly settings: RegistrySettings;
  readonly imagePolicy: ImagePolicy;
  readonly verifyKeyless: VerifyKeyless;
  /** Media are given out without the signature that the policy wants, as it only warns. */
  readonly onUnsigned: (media: string, error: CodedError) => void;
  /** @throws KubernetesError */
  readonly pullSecrets: (namespace: string, names: readonly string[]) => Promise<PullSecrets>;
}

interface Kept {
  readonly found: Promise<FoundMedia>;
  /** undefined: nobody has answered yet, and nobody else would sooner. */
  atMs: number | undefined;
}

export function mediaFinder(parts: MediaFinderParts): (registration: MachineRegistration) => Promise<FoundMedia> {
  const kept = new Map<string, Kept>();

  async function find(registration: MachineRegistration): Promise<FoundMedia> {
    const { media, imagePullSecrets } = mediaOf(registration);
    const names = imagePullSecrets.map(({ name }) => name);
    const { credentials } = await parts.pullSecrets(registration.metadata.namespace, names);
    const { settings, blobs, imagePolicy: policy, verifyKeyless } = parts;
    const reference = parseImageReference(media);
    const { digest, manifest, source } = await openArtifact(blobs, reference, { settings, credentials });
    // Before a byte of them goes out: the machine itself cannot ask.
    const asked = { policy, verifyKeyless, settings, credentials };
    const verdict = await checkSignatures(blobs, reference, digest, asked);
    if (verdict.kind === "warned") parts.onUnsigned(media, verdict.error);
    return {
      media: parseBootManifest(manifest, media),
      async open({ digest }, range, signal) {
        const { status, body } = await openBlob(blobs, source, digest, { range, signal });
        return { isPart: status === 206, body };
      },
    };
  }

  return async (registration) => {
    const key = JSON.stringify([registration.metadata.namespace, registration.spec.boot]);
    const nowMs = (): number => parts.blobs.nowMs();
    const held = kept.get(key);
    if (held !== undefined && nowMs() - (held.atMs ?? nowMs()) < KEPT_MS) return held.found;
    if (kept.size >= KEPT_MAX) kept.clear();
    const found = find(registration);
    const own: Kept = { found, atMs: undefined };
    kept.set(key, own);
    found.then(
      () => (own.atMs = nowMs()),
      // What failed is asked again by the next one.
      () => kept.get(key) === own && kept.delete(key),
    );
    return found;
  };
}
