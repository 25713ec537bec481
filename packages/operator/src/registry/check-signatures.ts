/** Whether the administrator's policy lets an image in: asked where the image is, with the accounts that it needs. */
import { createHash } from "node:crypto";
import { isCodedError, type CodedError } from "@rancheros/protocol/errors";
import { digestAlgorithm, writeImageName, type ImageReference } from "@rancheros/protocol/images";
import {
  checkImage,
  ruleFor,
  SignatureError,
  type ImagePolicy,
  type ImageVerdict,
  type SignatureSource,
  type VerifyKeyless,
} from "@rancheros/protocol/signatures";
import { answerFailure } from "./answer-failure.ts";
import { byEachAccount } from "./by-each-account.ts";
import { blobUrl, endpointsOf, manifestUrl, type Endpoint } from "./endpoints.ts";
import { RegistryError } from "./errors.ts";
import { platformDigests } from "./manifest.ts";
import type { RegistryCredential } from "./pull-secret.ts";
import type { RegistryOutside } from "./registry-outside.ts";
import type { RegistrySettings } from "./registry-settings.ts";
import { readReferrers } from "./read-referrers.ts";
import { RegistryVisit } from "./registry-visit.ts";
import { sharedDeadline } from "./shared-deadline.ts";

export interface SignatureOptions {
  readonly policy: ImagePolicy;
  readonly verifyKeyless: VerifyKeyless;
  readonly settings: RegistrySettings;
  /** Of all pull secrets of the image, in their order. */
  readonly credentials: readonly RegistryCredential[];
  readonly signal?: AbortSignal;
}

/** For all endpoints and accounts together; a registry that is slow with each of many signatures is given up too. */
const DEADLINE_MS = 120_000;
/** Images of an index that may be signed each by itself. */
const PLATFORMS_MAX = 16;

/**
 * @param digest  that the reference leads to
 * @throws SignatureError  where the policy does not let it in; RegistryError where nobody can know
 */
export async function checkSignatures(
  outside: RegistryOutside,
  reference: ImageReference,
  digest: string,
  options: SignatureOptions,
): Promise<ImageVerdict> {
  const rule = ruleFor(options.policy, writeImageName(reference));
  if (rule === undefined || rule.mode === "ignore") return { kind: "unchecked" };
  let isWarning = false;
  let failure: CodedError | undefined;
  const endpoints = endpointsOf(reference, options.settings);
  for (const { endpoint, deadlineAtMs } of sharedDeadline(endpoints, () => outside.nowMs(), DEADLINE_MS)) {
    try {
      return await byEachAccount(endpoint, options.credentials, async (credential) => {
        const visit = new RegistryVisit(outside, { endpoint, credential, deadlineAtMs, signal: options.signal });
        const verdict = await checkAt(sourceOf(visit, endpoint), reference, digest, options);
        if (verdict.kind !== "warned") return verdict;
        // The next one may have a signature.
        isWarning = true;
        throw verdict.error;
      });
    } catch (error) {
      if (!isCodedError(error) || error.code === "REGISTRY_INTERRUPTED") throw error;
      // A mirror may have other signatures than the registry: the last word is the registry's own.
      failure = error;
    }
  }
  failure ??= new RegistryError("REGISTRY_UNREACHABLE", `${writeImageName(reference)}: there is nobody to ask`);
  if (isWarning) return { kind: "warned", error: failure };
  throw failure;
}

/** An index that nobody has signed counts as signed where all its images are: each node takes one of them. */
async function checkAt(
  source: SignatureSource,
  reference: ImageReference,
  digest: string,
  { policy, verifyKeyless }: SignatureOptions,
): Promise<ImageVerdict> {
  const name = writeImageName(reference);
  const check = (one: string): Promise<ImageVerdict> =>
    checkImage({ name, digests: [one] }, { policy, source, verifyKeyless });
  const own = await verdictOrRefusal(check(digest));
  const isUnsigned = own instanceof SignatureError || (own.kind === "warned" && own.error instanceof SignatureError);
  const signed = isUnsigned ? await signedByPlatforms(source, digest, check) : undefined;
  if (signed !== undefined) return signed;
  if (own instanceof SignatureError) throw own;
  return own;
}

async function signedByPlatforms(
  source: SignatureSource,
  digest: string,
  check: (digest: string) => Promise<ImageVerdict>,
): Promise<ImageVerdict | undefined> {
  const platforms = platformDigests(await source.image(digest));
  if (platforms.length > PLATFORMS_MAX) return undefined;
  let last: ImageVerdict | undefined;
  for (const one of platforms) {
    const verdict = await verdictOrRefusal(check(one));
    if (verdict instanceof SignatureError || verdict.kind !== "signed") return undefined;
    last = verdict;
  }
  return last;
}

async function verdictOrRefusal(checking: Promise<ImageVerdict>): Promise<ImageVerdict | SignatureError> {
  try {
    return await checking;
  } catch (error) {
    if (error instanceof SignatureError) return error;
    throw error;
  }
}

function sourceOf(visit: RegistryVisit, endpoint: Endpoint): SignatureSource {
  async function read(url: URL, what: string): Promise<Buffer> {
    const answer = await visit.ask("GET", url);
    if (answer.status === 200) return answer.body;
    throw answerFailure(answer, `${endpoint.host}: ${endpoint.repository}, ${what}`);
  }

  async function verified(url: URL, digest: string): Promise<Buffer> {
    const body = await read(url, digest);
    const algorithm = digestAlgorithm(digest) ?? "sha256";
    if (`${algorithm}:${createHash(algorithm).update(body).digest("hex")}` === digest) return body;
    throw new RegistryError("REGISTRY_NONSENSE", `${endpoint.host}: what came for ${digest} is something else`);
  }

  return {
    image: (digest) => verified(manifestUrl(endpoint, digest), digest),
    manifest: (tagOrDigest) => {
      const url = manifestUrl(endpoint, tagOrDigest);
      return orNothing(() => (tagOrDigest.includes(":") ? verified(url, tagOrDigest) : read(url, tagOrDigest)));
    },
    referrers: (digest) => readReferrers(visit, endpoint, digest),
    blob: (digest, maxBytes) =>
      orNothing(async () => {
        const body = await verified(blobUrl(endpoint, digest), digest);
        if (body.length <= maxBytes) return body;
        throw new RegistryError("REGISTRY_NONSENSE", `${endpoint.host}: ${digest} has more than ${maxBytes} bytes`);
      }),
  };
}

async function orNothing(ask: () => Promise<Buffer>): Promise<Buffer | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof RegistryError && error.code === "REGISTRY_NOT_FOUND") return undefined;
    throw error;
  }
}
