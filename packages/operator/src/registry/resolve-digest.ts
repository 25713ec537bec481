/** From a tag to the digest that it leads to now. */
import { createHash } from "node:crypto";
import {
  digestAlgorithm,
  writeImageReference,
  type DigestAlgorithm,
  type ImageReference,
} from "@rancheros/protocol/images";
import { answerFailure } from "./answer-failure.ts";
import { byEachAccount } from "./by-each-account.ts";
import { endpointsOf, manifestUrl, type Endpoint } from "./endpoints.ts";
import { RegistryError } from "./errors.ts";
import { summarizeManifest, type ImagePlatform } from "./manifest.ts";
import type { RegistryCredential } from "./pull-secret.ts";
import { headerText, type RegistryAnswer, type RegistryOutside } from "./registry-outside.ts";
import type { RegistrySettings } from "./registry-settings.ts";
import { RegistryVisit } from "./registry-visit.ts";
import { sharedDeadline, type TimedEndpoint } from "./shared-deadline.ts";

const DEFAULT_DEADLINE_MS = 30_000;
/** Some registries know no HEAD for manifests, or say less than with GET: these are asked again. */
const HEAD_SAYS_LITTLE: ReadonlySet<number> = new Set([200, 400, 404, 405, 501]);

export interface ResolveOptions {
  readonly settings: RegistrySettings;
  /** Of all pull secrets of the image, in their order; which are for this registry is found out here. */
  readonly credentials: readonly RegistryCredential[];
  /** For all endpoints together; those that are still to come keep their share. Default 30 s. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  /** The last answer for the same reference: given again, after one request without a body, where the tag did not move. */
  readonly known?: ResolvedImage | undefined;
}

export interface ResolvedImage {
  readonly digest: string;
  /** Undefined, with all that follows, where the reference had a digest: nobody was asked. */
  readonly mediaType: string | undefined;
  /** Bytes of all layers as they are transferred; undefined for an index of several platforms. */
  readonly layerBytes: number | undefined;
  /** What an index has images for; undefined for a single image. */
  readonly platforms: readonly ImagePlatform[] | undefined;
  /** Host of the mirror or registry that answered. */
  readonly endpoint: string | undefined;
}

interface Failure {
  readonly endpoint: Endpoint;
  readonly error: RegistryError;
}

/**
 * Asks the mirrors in their order, then the registry, with each account that is for it, until one answers.
 * @throws RegistryError  of the last endpoint, with the words of those before it
 * Source: OCI distribution-spec, "Pulling manifests"; distribution spec/api.md
 */
export async function resolveDigest(
  outside: RegistryOutside,
  reference: ImageReference,
  options: ResolveOptions,
): Promise<ResolvedImage> {
  if (reference.digest !== undefined) {
    const { digest } = reference;
    return { digest, mediaType: undefined, layerBytes: undefined, platforms: undefined, endpoint: undefined };
  }
  const endpoints = endpointsOf(reference, options.settings);
  const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
  const failures: Failure[] = [];
  for (const timed of sharedDeadline(endpoints, () => outside.nowMs(), deadlineMs)) {
    const { endpoint } = timed;
    try {
      return await askEndpoint(outside, reference, { ...options, ...timed });
    } catch (error) {
      if (!(error instanceof RegistryError) || error.code === "REGISTRY_INTERRUPTED") throw error;
      failures.push({ endpoint, error });
    }
  }
  throw combined(reference, failures);
}

type EndpointOptions = ResolveOptions & TimedEndpoint;

function askEndpoint(
  outside: RegistryOutside,
  reference: ImageReference,
  options: EndpointOptions,
): Promise<ResolvedImage> {
  const { endpoint, deadlineAtMs, signal } = options;
  return byEachAccount(endpoint, options.credentials, (credential) => {
    const visit = new RegistryVisit(outside, { endpoint, credential, deadlineAtMs, signal });
    return askTag(visit, endpoint, reference.tag ?? "latest", options.known);
  });
}

async function askTag(
  visit: RegistryVisit,
  endpoint: Endpoint,
  tag: string,
  known: ResolvedImage | undefined,
): Promise<ResolvedImage> {
  const what = `${endpoint.host}: ${endpoint.repository}:${tag}`;
  const head = await visit.ask("HEAD", manifestUrl(endpoint, tag));
  if (!HEAD_SAYS_LITTLE.has(head.status)) throw answerFailure(head, what);
  const promised = head.status === 200 ? contentDigest(head) : undefined;
  if (promised !== undefined && promised === known?.digest) return known;
  // By digest where there is one: the tag may move between two requests.
  const answer = await visit.ask("GET", manifestUrl(endpoint, promised ?? tag));
  if (answer.status !== 200) throw answerFailure(answer, what);
  const summary = summarizeManifest(headerText(answer, "content-type"), answer.body, what);
  const said = [promised, contentDigest(answer)].filter((one) => one !== undefined);
  const digest = verifiedDigest(answer.body, said, what);
  if (said.length > 0 && !said.includes(digest)) await requireKnown(visit, endpoint, digest, what);
  return { ...summary, digest, endpoint: endpoint.host };
}

/** Registries may keep what was pushed by SHA-512 under that name alone, and nodes ask by the other. */
async function requireKnown(visit: RegistryVisit, endpoint: Endpoint, digest: string, what: string): Promise<void> {
  const answer = await visit.ask("HEAD", manifestUrl(endpoint, digest));
  if (answer.status === 404) {
    const message = `${what}: is known to its registry by sha512 only, and nodes pull by sha256`;
    throw new RegistryError("REGISTRY_NONSENSE", message);
  }
  if (!HEAD_SAYS_LITTLE.has(answer.status)) throw answerFailure(answer, what);
}

/** The header's digest, where it has one that can be checked. */
function contentDigest(answer: RegistryAnswer): string | undefined {
  const header = headerText(answer, "docker-content-digest");
  return header !== undefined && digestAlgorithm(header) !== undefined ? header : undefined;
}

/**
 * @param said  by headers: each must be true
 * @returns the SHA-256 of the body, whatever headers say
 */
function verifiedDigest(body: Buffer, said: readonly string[], what: string): string {
  const digestBy = (algorithm: DigestAlgorithm): string =>
    `${algorithm}:${createHash(algorithm).update(body).digest("hex")}`;
  for (const digest of said) {
    const actual = digestBy(digestAlgorithm(digest) ?? "sha256");
    if (actual !== digest) {
      throw new RegistryError("REGISTRY_NONSENSE", `${what}: the registry calls it ${digest}, but it is ${actual}`);
    }
  }
  return digestBy("sha256");
}

function combined(reference: ImageReference, failures: readonly Failure[]): RegistryError {
  const last = failures.at(-1);
  const earlier = failures.slice(0, -1).map(({ error }) => `mirror ${error.message}`);
  const image = writeImageReference(reference);
  if (last === undefined) return new RegistryError("REGISTRY_UNREACHABLE", `${image}: there is nobody to ask`);
  const { error } = last;
  return new RegistryError(error.code, [error.message, ...earlier].join("; "), {
    cause: error,
    details: { ...error.details, image, endpoints: failures.map(({ endpoint }) => endpoint.host).join(",") },
    mend: error.mend,
    retry: error.retry,
  });
}
