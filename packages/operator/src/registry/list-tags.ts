/** The tags of a repository, page by page. */
import { nextPage, type ImageReference } from "@rancheros/protocol/images";
import { answerFailure } from "./answer-failure.ts";
import { byEachAccount } from "./by-each-account.ts";
import { endpointsOf, tagsUrl, type Endpoint } from "./endpoints.ts";
import { RegistryError } from "./errors.ts";
import type { RegistryCredential } from "./pull-secret.ts";
import { headerList, type RegistryAnswer, type RegistryOutside } from "./registry-outside.ts";
import type { RegistrySettings } from "./registry-settings.ts";
import { RegistryVisit } from "./registry-visit.ts";
import { sharedDeadline } from "./shared-deadline.ts";

const PAGE = 1_000;
const MAX_PAGES = 64;
/** More than these are refused: no order among tags says which of them matter. */
const MAX_TAGS = 20_000;
/** Source: OCI distribution-spec, "Pulling manifests" */
const TAG = /^\w[\w.-]{0,127}$/;

export interface ListTagsOptions {
  readonly settings: RegistrySettings;
  /** Of all pull secrets; which are for this registry is found out here. */
  readonly credentials: readonly RegistryCredential[];
  /** For all endpoints and pages together. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

export interface TagList {
  readonly tags: readonly string[];
  /** Why there may be more: whose word counts did not answer, and somebody behind it did. Undefined: these are all. */
  readonly unheard: RegistryError | undefined;
}

/**
 * Asks the registry itself first: mirrors know the tags that were pulled through them only. They are asked in their
 * order where it does not answer, or must not be asked; then it is the first one whose word counts.
 * @throws RegistryError
 * Source: OCI distribution-spec, "Listing Tags"
 */
export async function listTags(
  outside: RegistryOutside,
  repository: ImageReference,
  options: ListTagsOptions,
): Promise<TagList> {
  const all = endpointsOf(repository, options.settings);
  const endpoints = all.toSorted((one, other) => Number(isMirror(one)) - Number(isMirror(other)));
  let failure: RegistryError | undefined;
  for (const { endpoint, deadlineAtMs } of sharedDeadline(endpoints, () => outside.nowMs(), options.deadlineMs)) {
    try {
      return { tags: await tagsAt(outside, endpoint, options, deadlineAtMs), unheard: failure };
    } catch (error) {
      if (!(error instanceof RegistryError) || error.code === "REGISTRY_INTERRUPTED") throw error;
      failure ??= error;
      // Who has answered has said what there is to say.
      if (error.code !== "REGISTRY_UNREACHABLE" && error.code !== "REGISTRY_TIMEOUT") throw error;
    }
  }
  throw failure ?? new RegistryError("REGISTRY_UNREACHABLE", `${repository.host}: there is nobody to ask`);
}

function isMirror({ mirrorOf }: Endpoint): boolean {
  return mirrorOf !== undefined;
}

function tagsAt(
  outside: RegistryOutside,
  endpoint: Endpoint,
  { credentials, signal }: ListTagsOptions,
  deadlineAtMs: number,
): Promise<readonly string[]> {
  return byEachAccount(endpoint, credentials, (credential) =>
    readPages(new RegistryVisit(outside, { endpoint, credential, deadlineAtMs, signal }), endpoint),
  );
}

async function readPages(visit: RegistryVisit, endpoint: Endpoint): Promise<readonly string[]> {
  const what = `${endpoint.host}: the tags of ${endpoint.repository}`;
  const tags = new Set<string>();
  let url: URL | undefined = tagsUrl(endpoint, PAGE);
  for (let pages = 0; url !== undefined; pages += 1) {
    if (pages === MAX_PAGES || tags.size > MAX_TAGS) {
      throw new RegistryError(
        "REGISTRY_NONSENSE",
        `${what}: are more than ${MAX_TAGS}, or on more than ${MAX_PAGES} pages`,
      );
    }
    const answer: RegistryAnswer = await visit.ask("GET", url, "application/json");
    if (answer.status !== 200) throw answerFailure(answer, what);
    for (const tag of tagsOf(answer.body, what)) tags.add(tag);
    url = following(answer, url, what);
  }
  return [...tags];
}

function tagsOf(body: Buffer, what: string): readonly string[] {
  let document: unknown;
  try {
    document = JSON.parse(body.toString("utf8"));
  } catch (cause) {
    throw new RegistryError("REGISTRY_NONSENSE", `${what}: are no JSON`, { cause });
  }
  const list: unknown =
    typeof document === "object" && document !== null && "tags" in document ? document.tags : undefined;
  // Of a repository without tags, some registries say null.
  if (list === null) return [];
  if (!Array.isArray(list)) throw new RegistryError("REGISTRY_NONSENSE", `${what}: are no list`);
  return list.filter((tag: unknown): tag is string => typeof tag === "string" && TAG.test(tag));
}

function following(answer: RegistryAnswer, from: URL, what: string): URL | undefined {
  const url = nextPage(headerList(answer, "link"), from);
  if (url !== "elsewhere") return url;
  throw new RegistryError("REGISTRY_NONSENSE", `${what}: the next page is said to be somewhere else`);
}
