/** Puts images into a test registry, through its own API. */
import type { Image, ImageIndex } from "./image.ts";
import type { TestRegistry } from "./registry.ts";
import { sendRequest, type TestAnswer, type TestRequest } from "./send-request.ts";

/** Where images are put. */
export type PushTarget = Pick<TestRegistry, "host" | "url" | "caPem" | "authorization">;

/**
 * Pushes blobs that are not there yet, the manifests by digest, and at last the tag.
 * @param repository  name without host, such as `rancher/os2`
 * @returns           digest that the tag leads to from now on
 */
export async function pushImage(
  registry: PushTarget,
  repository: string,
  tag: string,
  image: Image | ImageIndex,
): Promise<string> {
  const images = image.kind === "image" ? [image] : image.images;
  for (const one of images) {
    for (const [digest, blob] of one.blobs) await pushBlob(registry, repository, digest, blob);
    if (one !== image) await putManifest(registry, repository, one.descriptor.digest, one);
  }
  await putManifest(registry, repository, tag, image);
  return image.descriptor.digest;
}

/** The registry forgets a manifest, and the tags that lead to it. */
export async function deleteManifest(registry: PushTarget, repository: string, digest: string): Promise<void> {
  const request = { method: "DELETE", path: `/v2/${repository}/manifests/${digest}` };
  expectStatus(await send(registry, repository, request, "delete"), [202], `deleting ${digest}`);
}

/** A reference as people write it: host, repository and tag. */
export function imageReference(registry: PushTarget, repository: string, tag: string): string {
  return `${registry.host}/${repository}:${tag}`;
}

/** Any blob, where it is not there yet. */
export async function pushBlob(registry: PushTarget, repository: string, digest: string, blob: Buffer): Promise<void> {
  const head = await send(registry, repository, { method: "HEAD", path: `/v2/${repository}/blobs/${digest}` });
  if (head.status === 200) return;
  const begun = await send(registry, repository, { method: "POST", path: `/v2/${repository}/blobs/uploads/` });
  expectStatus(begun, [202], "beginning an upload");
  const place = new URL(begun.headers.location ?? "", registry.url);
  place.searchParams.set("digest", digest);
  const headers = { "content-type": "application/octet-stream" };
  const put = { method: "PUT", path: place.href, headers, body: blob };
  expectStatus(await send(registry, repository, put), [201], `uploading ${digest}`);
}

function putManifest(
  registry: PushTarget,
  repository: string,
  reference: string,
  { descriptor, manifest }: Image | ImageIndex,
): Promise<void> {
  return pushManifest(registry, repository, reference, { mediaType: descriptor.mediaType, bytes: manifest });
}

/** Any manifest, by tag or digest. */
export async function pushManifest(
  registry: PushTarget,
  repository: string,
  reference: string,
  { mediaType, bytes }: { readonly mediaType: string; readonly bytes: Buffer },
): Promise<void> {
  const path = `/v2/${repository}/manifests/${reference}`;
  const request = { method: "PUT", path, headers: { "content-type": mediaType }, body: bytes };
  expectStatus(await send(registry, repository, request), [201], `putting ${repository}:${reference}`);
}

function send(
  registry: PushTarget,
  repository: string,
  request: TestRequest,
  actions = "pull,push",
): Promise<TestAnswer> {
  const authorization = registry.authorization(`repository:${repository}:${actions}`);
  const headers = { ...request.headers, ...(authorization === undefined ? {} : { authorization }) };
  return sendRequest(registry, { ...request, headers });
}

function expectStatus(answer: TestAnswer, wanted: readonly number[], what: string): void {
  if (wanted.includes(answer.status)) return;
  throw new Error(`${what}: the registry answered ${answer.status}: ${answer.body.toString("utf8", 0, 500)}`);
}
