/** What lies beside an image at its registry and may be a signature of it, one after the other. */
import { isImageDigest } from "../images/index.ts";
import type { Candidate, EndlessCandidates } from "./candidate.ts";
import { isFields, readBase64, readJsonObject, type Fields } from "./fields.ts";
import type { ReferrersPage, SignatureSource } from "./signature-source.ts";

const PAYLOAD_MAX_BYTES = 64 * 1024;
const BUNDLE_MAX_BYTES = 512 * 1024;
/** Some registries and older clients give the type of the (empty) configuration for the artifact's. */
const UNCLEAR_TYPES: ReadonlySet<string> = new Set(["", "application/vnd.oci.empty.v1+json"]);
/** At what such a list has, to see whether it is a bundle. */
const LOOKS_MAX = 64;
/** Of the list of what refers to an image; registries give a hundred entries in one at least. */
const PAGES_MAX = 100;
const SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json";
const SIGNATURE = "dev.cosignproject.cosign/signature";
const BUNDLE_TYPE = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v0\.[1-9]\d?\+json|\+json;version=0\.[1-9]\d?)$/;
/** What cosign names its bundles, and registries are asked for. */
export const SIGSTORE_BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const BUNDLE_PREDICATE = "dev.sigstore.bundle.predicateType";
/** What cosign writes into a statement that says: I have signed this. */
export const SIGN_PREDICATE = "https://sigstore.dev/cosign/sign/v1";

/**
 * First those below the tag that cosign derives from the digest, then what refers to the image.
 * @param digest  of the image
 * @throws what the source throws
 * Source: cosign specs/SIGNATURE_SPEC.md and BUNDLE_SPEC.md; OCI distribution-spec, "Referrers Tag Schema"
 */
export async function* findCandidates(
  source: SignatureSource,
  digest: string,
): AsyncGenerator<Candidate | EndlessCandidates> {
  const tag = digest.replace(":", "-");
  const classic = await source.manifest(`${tag}.sig`);
  if (classic !== undefined) yield* simpleCandidates(source, classic);
  const looks = { left: LOOKS_MAX };
  let page = (await source.referrers(digest)) ?? pageOf(await source.manifest(tag));
  for (let pages = 0; page !== undefined; pages += 1) {
    if (pages === PAGES_MAX) {
      yield { kind: "endless" };
      return;
    }
    yield* bundleCandidates(source, page.index, digest, looks);
    page = await page.next?.();
  }
}

function pageOf(index: Buffer | undefined): ReferrersPage | undefined {
  return index === undefined ? undefined : { index, next: undefined };
}

async function* simpleCandidates(source: SignatureSource, bytes: Buffer): AsyncGenerator<Candidate> {
  const layers = readJsonObject(bytes)?.["layers"];
  if (!Array.isArray(layers)) {
    yield broken("the manifest of the signatures is none");
    return;
  }
  const entries: readonly unknown[] = layers;
  for (const layer of entries) {
    const { digest, mediaType, size, annotations } = descriptorOf(layer);
    const signature = readBase64(annotations[SIGNATURE]);
    if (digest === undefined || mediaType !== SIMPLE_SIGNING || signature === undefined) {
      yield broken("an entry of the manifest of the signatures has no digest, another type or no signature");
    } else if (size > PAYLOAD_MAX_BYTES) {
      yield broken(`a payload has more than ${PAYLOAD_MAX_BYTES} bytes`);
    } else {
      const payload = await source.blob(digest, PAYLOAD_MAX_BYTES);
      yield payload === undefined
        ? broken("a payload is missing")
        : { kind: "simple", payload, signature, annotations };
    }
  }
}

async function* bundleCandidates(
  source: SignatureSource,
  bytes: Buffer,
  subject: string,
  looks: { left: number },
): AsyncGenerator<Candidate | EndlessCandidates> {
  const manifests = readJsonObject(bytes)?.["manifests"];
  if (!Array.isArray(manifests)) {
    yield broken("the list of what refers to the image is none");
    return;
  }
  const entries: readonly unknown[] = manifests;
  for (const entry of entries) {
    const { digest, artifactType, annotations } = descriptorOf(entry);
    // Others refer to images too: bills of materials, results of scans, statements about where an image comes from.
    const isUnclear = UNCLEAR_TYPES.has(artifactType);
    if (!isUnclear && !BUNDLE_TYPE.test(artifactType)) continue;
    const predicate = annotations[BUNDLE_PREDICATE];
    if (predicate !== undefined && predicate !== SIGN_PREDICATE) continue;
    if (isUnclear && looks.left === 0) {
      yield { kind: "endless" };
      return;
    }
    if (isUnclear) looks.left -= 1;
    const found = digest === undefined ? broken("a bundle has no digest") : await bundleOf(source, digest, subject);
    if (found !== undefined) yield found;
  }
}

/** @returns undefined for what is another kind of artifact */
async function bundleOf(source: SignatureSource, digest: string, subject: string): Promise<Candidate | undefined> {
  const bytes = await source.manifest(digest);
  if (bytes === undefined) return broken("the manifest of a bundle is missing");
  const manifest = readJsonObject(bytes) ?? {};
  const { artifactType } = descriptorOf(manifest);
  if (artifactType !== "" && !BUNDLE_TYPE.test(artifactType)) return undefined;
  if (descriptorOf(manifest["subject"]).digest !== subject)
    return broken("a bundle's manifest refers to another image");
  const layers: readonly unknown[] = Array.isArray(manifest["layers"]) ? manifest["layers"] : [];
  const [layer, another] = layers;
  const { digest: blob, mediaType, size } = descriptorOf(layer);
  if (blob === undefined || another !== undefined || !BUNDLE_TYPE.test(mediaType)) {
    return broken("a bundle's manifest has not one bundle in it");
  }
  if (size > BUNDLE_MAX_BYTES) return broken(`a bundle has more than ${BUNDLE_MAX_BYTES} bytes`);
  const content = await source.blob(blob, BUNDLE_MAX_BYTES);
  if (content === undefined) return broken("a bundle is missing");
  const document = readJsonObject(content);
  return document === undefined ? broken("a bundle is no JSON object") : { kind: "bundle", document };
}

function broken(problem: string): Candidate {
  return { kind: "broken", problem };
}

interface Descriptor {
  readonly digest: string | undefined;
  readonly mediaType: string;
  readonly artifactType: string;
  readonly size: number;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Whatever is no descriptor has no digest. */
function descriptorOf(value: unknown): Descriptor {
  const fields: Fields = isFields(value) ? value : {};
  const { digest, mediaType, artifactType, size } = fields;
  const annotations: Fields = isFields(fields["annotations"]) ? fields["annotations"] : {};
  const texts = Object.entries(annotations).filter((pair): pair is [string, string] => typeof pair[1] === "string");
  return {
    digest: typeof digest === "string" && isImageDigest(digest) ? digest : undefined,
    mediaType: typeof mediaType === "string" ? mediaType : "",
    artifactType: typeof artifactType === "string" ? artifactType : "",
    // What says no size is held to the limit as it comes.
    size: typeof size === "number" && Number.isSafeInteger(size) && size >= 0 ? size : 0,
    annotations: Object.fromEntries(texts),
  };
}
