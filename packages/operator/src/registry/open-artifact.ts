/** Artifacts at registries: the manifest by digest, and its blobs as streams. */
import { createHash } from "node:crypto";
import { digestAlgorithm, type ImageReference } from "@rancheros/protocol/images";
import { answerFailure } from "./answer-failure.ts";
import { byEachAccount } from "./by-each-account.ts";
import { blobUrl, endpointsOf, manifestUrl, type Endpoint } from "./endpoints.ts";
import { RegistryError } from "./errors.ts";
import type { RegistryCredential } from "./pull-secret.ts";
import type { RegistryBlobs, RegistryStream } from "./registry-outside.ts";
import { RegistryVisit } from "./registry-visit.ts";
import { resolveDigest, type ResolveOptions } from "./resolve-digest.ts";
import { sharedDeadline } from "./shared-deadline.ts";

/** For the manifest, whoever has it; then for a blob until it begins to come. */
const DEADLINE_MS = 30_000;

/** Who gave the manifest, and by which account; blobs are asked for there. */
export interface ArtifactSource {
  readonly endpoint: Endpoint;
  readonly credential: RegistryCredential | undefined;
}

export interface Artifact {
  readonly digest: string;
  /** As it was signed: its SHA-256, or whatever the digest names, is the digest. */
  readonly manifest: Buffer;
  readonly source: ArtifactSource;
}

/**
 * Asks mirrors and registry in their order for what the reference stands for now.
 * @throws RegistryError  of the last one that was asked
 * Source: OCI distribution-spec, "Pulling manifests"
 */
export async function openArtifact(
  blobs: RegistryBlobs,
  reference: ImageReference,
  options: ResolveOptions,
): Promise<Artifact> {
  const { digest } = await resolveDigest(blobs, reference, options);
  let failure = new RegistryError("REGISTRY_UNREACHABLE", `${reference.host}: there is nobody to ask`);
  const endpoints = endpointsOf(reference, options.settings);
  for (const { endpoint, deadlineAtMs } of sharedDeadline(endpoints, () => blobs.nowMs(), DEADLINE_MS)) {
    try {
      return await byEachAccount(endpoint, options.credentials, async (credential) => {
        const source = { endpoint, credential };
        const visit = new RegistryVisit(blobs, { ...source, deadlineAtMs, signal: options.signal });
        return { digest, manifest: await readManifest(visit, endpoint, digest), source };
      });
    } catch (error) {
      if (!(error instanceof RegistryError) || error.code === "REGISTRY_INTERRUPTED") throw error;
      failure = error;
    }
  }
  throw failure;
}

async function readManifest(visit: RegistryVisit, endpoint: Endpoint, digest: string): Promise<Buffer> {
  const what = `${endpoint.host}: ${endpoint.repository}@${digest}`;
  const answer = await visit.ask("GET", manifestUrl(endpoint, digest));
  if (answer.status !== 200) throw answerFailure(answer, what);
  const algorithm = digestAlgorithm(digest) ?? "sha256";
  if (`${algorithm}:${createHash(algorithm).update(answer.body).digest("hex")}` !== digest) {
    throw new RegistryError("REGISTRY_NONSENSE", `${what}: the registry gives another manifest`);
  }
  return answer.body;
}

/**
 * Opens a blob. Whether its bytes are those of the digest is for the reader to see at the end.
 * @param range  a Range header; the answer is then 206, or 200 where the registry knows no ranges
 * @throws RegistryError
 * Source: OCI distribution-spec, "Pulling blobs"
 */
export async function openBlob(
  blobs: RegistryBlobs,
  source: ArtifactSource,
  digest: string,
  options: { readonly range?: string | undefined; readonly signal?: AbortSignal } = {},
): Promise<RegistryStream> {
  const { endpoint } = source;
  const visit = new RegistryVisit(blobs, {
    ...source,
    deadlineAtMs: blobs.nowMs() + DEADLINE_MS,
    signal: options.signal,
  });
  const headers = options.range === undefined ? {} : { range: options.range };
  const answer = await visit.open(blobs, blobUrl(endpoint, digest), headers);
  if (answer.status === 200 || answer.status === 206) return answer;
  answer.body.destroy();
  const empty = { status: answer.status, headers: answer.headers, body: Buffer.alloc(0) };
  throw answerFailure(empty, `${endpoint.host}: ${endpoint.repository}, blob ${digest}`);
}
