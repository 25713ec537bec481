/** Signatures as cosign makes them with a key, and puts them beside images of a real registry. */
import { generateKeyPairSync, sign } from "node:crypto";
import { pushBlob, pushManifest, sha256Digest, type Descriptor, type PushTarget } from "../registry/index.ts";

export interface KeySigner {
  readonly pem: string;
  readonly sign: (data: Buffer) => Buffer;
}

export interface SimpleSignature {
  readonly payload: Buffer;
  readonly annotations: Readonly<Record<string, string>>;
}

const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
const BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const EMPTY_TYPE = "application/vnd.oci.empty.v1+json";
const CONFIG_TYPE = "application/vnd.oci.image.config.v1+json";
const SIMPLE_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json";

export function keySigner(): KeySigner {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  return {
    pem: publicKey.export({ type: "spki", format: "pem" }),
    sign: (data) => sign("sha256", data, privateKey),
  };
}

/** Source: cosign specs/SIGNATURE_SPEC.md */
export function simpleSigning(signer: KeySigner, name: string, digest: string): SimpleSignature {
  const critical = {
    identity: { "docker-reference": name },
    image: { "docker-manifest-digest": digest },
    type: "cosign container image signature",
  };
  const payload = Buffer.from(JSON.stringify({ critical, optional: null }));
  const signature = signer.sign(payload).toString("base64");
  return { payload, annotations: { "dev.cosignproject.cosign/signature": signature } };
}

/** Below the tag that cosign derives from the digest; what was there is gone. */
export async function pushSignatures(
  registry: PushTarget,
  repository: string,
  digest: string,
  signatures: readonly SimpleSignature[],
): Promise<void> {
  const config = await pushed(registry, repository, CONFIG_TYPE, Buffer.from('{"architecture":"","os":""}'));
  const layers = [];
  for (const { payload, annotations } of signatures) {
    layers.push({ ...(await pushed(registry, repository, SIMPLE_TYPE, payload)), annotations });
  }
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST_TYPE, config, layers }));
  await pushManifest(registry, repository, `${digest.replace(":", "-")}.sig`, { mediaType: MANIFEST_TYPE, bytes });
}

/** As what refers to the image, where the registry knows no such list: below the tag of the digest. Source: OCI distribution-spec */
export async function pushSignatureBundle(
  registry: PushTarget,
  repository: string,
  subject: Descriptor,
  bundle: unknown,
): Promise<void> {
  const entry = await pushReferrer(registry, repository, subject, bundle);
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests: [entry] }));
  const tag = subject.digest.replace(":", "-");
  await pushManifest(registry, repository, tag, { mediaType: INDEX_TYPE, bytes: index });
}

/**
 * As what refers to the image, and nothing more: for registries that keep the list.
 * @returns its entry in such a list
 */
export async function pushReferrer(
  registry: PushTarget,
  repository: string,
  subject: Descriptor,
  bundle: unknown,
): Promise<Descriptor & { readonly artifactType: string }> {
  const config = await pushed(registry, repository, EMPTY_TYPE, Buffer.from("{}"));
  const layer = await pushed(registry, repository, BUNDLE_TYPE, Buffer.from(JSON.stringify(bundle)));
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    artifactType: BUNDLE_TYPE,
    config,
    layers: [layer],
    subject,
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const digest = sha256Digest(bytes);
  await pushManifest(registry, repository, digest, { mediaType: MANIFEST_TYPE, bytes });
  return { mediaType: MANIFEST_TYPE, digest, size: bytes.length, artifactType: BUNDLE_TYPE };
}

async function pushed(registry: PushTarget, repository: string, mediaType: string, blob: Buffer) {
  const digest = sha256Digest(blob);
  await pushBlob(registry, repository, digest, blob);
  return { mediaType, digest, size: blob.length };
}
