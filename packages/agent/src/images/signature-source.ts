/** What one registry, or one mirror, has for signatures of an image. */
import { nextPage } from "@rancheros/protocol/images";
import type { ReferrersPage, SignatureSource } from "@rancheros/protocol/signatures";

import { digestHash } from "./digest-hash.ts";
import { blobUrl, manifestUrl, referrersUrl } from "./endpoints.ts";
import { ImagePullError } from "./errors.ts";
import { ACCEPT_MANIFESTS, MAX_MANIFEST_BYTES } from "./image-source.ts";
import { INDEX_TYPES } from "./manifest.ts";
import { readBody, type RegistrySession } from "./registry-session.ts";
import { answeredStatus } from "./session-of-accounts.ts";

/**
 * What registries answer that do not know lists of referrers: 404 as they should, and what others say to a path that they
 * do not have. Source: OCI distribution-spec 1.1, "Unavailable Referrers API"
 */
const NO_SUCH_LIST: ReadonlySet<unknown> = new Set([400, 404, 405, 406, 501]);

/** @param known  manifests that have been read already, by digest */
export function signatureSource(
  session: RegistrySession,
  known: ReadonlyMap<string, Buffer>,
  signal: AbortSignal,
): SignatureSource {
  const { endpoint } = session;

  async function read(url: URL, accept: string | undefined, maxBytes: number): Promise<Buffer> {
    const headers: Readonly<Record<string, string>> = accept === undefined ? {} : { accept };
    return readBody(await session.get(url, headers, signal), maxBytes, endpoint.host);
  }

  async function verified(url: URL, accept: string | undefined, digest: string, maxBytes: number): Promise<Buffer> {
    const bytes = await read(url, accept, maxBytes);
    if (`${digest.split(":")[0]}:${digestHash(digest).update(bytes).digest("hex")}` === digest) return bytes;
    throw new ImagePullError("IMAGE_DIGEST_WRONG", `${endpoint.host}: what came for ${digest} is something else`);
  }

  /** @returns undefined for what is no index: a page for people, as some registries answer to every path */
  async function page(url: URL): Promise<ReferrersPage | undefined> {
    const answer = await session.get(url, { accept: INDEX_TYPES[0] }, signal);
    if (!isIndexType(answer.header("content-type"))) {
      answer.close();
      return undefined;
    }
    const index = await readBody(answer, MAX_MANIFEST_BYTES, endpoint.host);
    const following = nextPage(answer.header("link"), url);
    return { index, next: following === undefined ? undefined : () => nextOf(following) };
  }

  async function nextOf(url: URL | "elsewhere"): Promise<ReferrersPage> {
    // Not before it is asked for: what is looked for may be on the page that there is.
    if (url === "elsewhere") throw nonsense("the list of what refers to an image is said to go on elsewhere");
    const found = await page(url);
    if (found === undefined) throw nonsense("the list of what refers to an image goes on with something else");
    return found;
  }

  function nonsense(problem: string): ImagePullError {
    return new ImagePullError("IMAGE_REGISTRY_NONSENSE", `${endpoint.host}: ${problem}`);
  }

  return {
    async image(digest) {
      return known.get(digest) ?? verified(manifestUrl(endpoint, digest), ACCEPT_MANIFESTS, digest, MAX_MANIFEST_BYTES);
    },
    manifest: (tagOrDigest) =>
      orNothing(() => {
        const url = manifestUrl(endpoint, tagOrDigest);
        return tagOrDigest.includes(":")
          ? verified(url, ACCEPT_MANIFESTS, tagOrDigest, MAX_MANIFEST_BYTES)
          : read(url, ACCEPT_MANIFESTS, MAX_MANIFEST_BYTES);
      }),
    async referrers(digest) {
      try {
        return await page(referrersUrl(endpoint, digest));
      } catch (error) {
        if (NO_SUCH_LIST.has(answeredStatus(error))) return undefined;
        throw error;
      }
    },
    blob: (digest, maxBytes) => orNothing(() => verified(blobUrl(endpoint, digest), undefined, digest, maxBytes)),
  };
}

function isIndexType(contentType: string | undefined): boolean {
  return contentType?.split(";")[0]?.trim().toLowerCase() === INDEX_TYPES[0];
}

async function orNothing(ask: () => Promise<Buffer>): Promise<Buffer | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (answeredStatus(error) === 404) return undefined;
    throw error;
  }
}
