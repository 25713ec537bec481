/** A registry with one repository, in memory, and signers who put their signatures there. Imitates no login and no limits. */
import { createHash, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import type { ReferrersPage, SignatureSource } from "@rancheros/protocol/signatures";

export const NAME = "registry.example.com/os/rancher";
const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
const BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";

export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

export function jsonBytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value), "utf8");
}

export interface MemoryRegistry extends SignatureSource {
  readonly manifests: Map<string, Buffer>;
  readonly blobs: Map<string, Buffer>;
  readonly referring: Map<string, unknown[]>;
  /** Whether it knows the list of referrers, or is to be asked for its tag. */
  hasReferrers: boolean;
  /** Entries of one page of that list. */
  pageEntries: number;
  asked: number;
}

export function memoryRegistry(): MemoryRegistry {
  const registry: MemoryRegistry = {
    manifests: new Map(),
    blobs: new Map(),
    referring: new Map(),
    hasReferrers: true,
    pageEntries: 100,
    asked: 0,
    async image(digest) {
      const bytes = registry.manifests.get(digest);
      if (bytes === undefined) throw new Error(`there is no ${digest}`);
      return Promise.resolve(bytes);
    },
    async manifest(tagOrDigest) {
      registry.asked += 1;
      return Promise.resolve(registry.manifests.get(tagOrDigest) ?? fallback(registry, tagOrDigest));
    },
    async referrers(digest) {
      registry.asked += 1;
      return Promise.resolve(
        registry.hasReferrers ? pageFrom(registry, registry.referring.get(digest) ?? []) : undefined,
      );
    },
    async blob(digest, maxBytes) {
      registry.asked += 1;
      const bytes = registry.blobs.get(digest);
      if (bytes !== undefined && bytes.length > maxBytes) throw new Error("too much");
      return Promise.resolve(bytes);
    },
  };
  return registry;
}

function fallback(registry: MemoryRegistry, tag: string): Buffer | undefined {
  const entries = registry.hasReferrers ? undefined : registry.referring.get(tag.replace("-", ":"));
  return entries === undefined ? undefined : indexOf(entries);
}

function pageFrom(registry: MemoryRegistry, entries: readonly unknown[]): ReferrersPage {
  const rest = entries.slice(registry.pageEntries);
  const next = (): Promise<ReferrersPage> => {
    registry.asked += 1;
    return Promise.resolve(pageFrom(registry, rest));
  };
  return { index: indexOf(entries.slice(0, registry.pageEntries)), next: rest.length === 0 ? undefined : next };
}

function indexOf(manifests: readonly unknown[]): Buffer {
  return jsonBytes({ schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests });
}

/** @returns the digest */
export function pushImage(registry: MemoryRegistry, what: string): string {
  const bytes = jsonBytes({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: {},
    layers: [],
    annotations: { what },
  });
  registry.manifests.set(digestOf(bytes), bytes);
  return digestOf(bytes);
}

export function pushBlob(registry: MemoryRegistry, bytes: Buffer): string {
  registry.blobs.set(digestOf(bytes), bytes);
  return digestOf(bytes);
}

/** Source: cosign specs/SIGNATURE_SPEC.md */
export function simplePayload(digest: string, reference = NAME, type = "cosign container image signature"): Buffer {
  const critical = { identity: { "docker-reference": reference }, image: { "docker-manifest-digest": digest }, type };
  return jsonBytes({ critical, optional: null });
}

export interface SimpleEntry {
  readonly payload: Buffer;
  readonly signature: Buffer;
}

/** Below the tag of a digest, beside what lies there. */
export function pushSimple(registry: MemoryRegistry, digest: string, entries: readonly SimpleEntry[]): void {
  const layers = entries.map(({ payload, signature }) => ({
    mediaType: "application/vnd.dev.cosign.simplesigning.v1+json",
    size: payload.length,
    digest: pushBlob(registry, payload),
    annotations: { "dev.cosignproject.cosign/signature": signature.toString("base64") },
  }));
  registry.manifests.set(`${digest.replace(":", "-")}.sig`, jsonBytes({ schemaVersion: 2, config: {}, layers }));
}

export function pushBundle(registry: MemoryRegistry, digest: string, bundle: unknown, subject = digest): void {
  const blob = jsonBytes(bundle);
  const layers = [{ mediaType: BUNDLE_TYPE, size: blob.length, digest: pushBlob(registry, blob) }];
  const manifest = jsonBytes({ schemaVersion: 2, mediaType: MANIFEST_TYPE, subject: { digest: subject }, layers });
  registry.manifests.set(digestOf(manifest), manifest);
  const entry = {
    mediaType: MANIFEST_TYPE,
    artifactType: BUNDLE_TYPE,
    size: manifest.length,
    digest: digestOf(manifest),
  };
  registry.referring.set(digest, [...(registry.referring.get(digest) ?? []), entry]);
}

export type KeyKind = "P-256" | "P-384" | "P-521" | "Ed25519" | "RSA";

export interface TestSigner {
  readonly pem: string;
  sign(data: Buffer): Buffer;
}

function keyPair(kind: KeyKind): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  if (kind === "Ed25519") return generateKeyPairSync("ed25519");
  if (kind === "RSA") return generateKeyPairSync("rsa", { modulusLength: 2048 });
  return generateKeyPairSync("ec", { namedCurve: kind });
}

/** @param hash  what cosign takes for the kind, and took for all before version 2.3; no meaning for Ed25519 */
export function testSigner(kind: KeyKind = "P-256", hash = "sha256"): TestSigner {
  const { publicKey, privateKey } = keyPair(kind);
  return {
    pem: publicKey.export({ type: "spki", format: "pem" }),
    sign: (data) => sign(kind === "Ed25519" ? null : hash, data, privateKey),
  };
}

export function simpleEntry(signer: TestSigner, payload: Buffer): SimpleEntry {
  return { payload, signature: signer.sign(payload) };
}

export function statement(digest: string, options: { readonly predicateType?: string; readonly name?: string } = {}) {
  const [algorithm = "", hex] = digest.split(":");
  const { predicateType = "https://sigstore.dev/cosign/sign/v1", name } = options;
  const subject = [{ ...(name === undefined ? {} : { name }), digest: { [algorithm]: hex } }];
  return jsonBytes({ _type: "https://in-toto.io/Statement/v1", subject, predicateType, predicate: {} });
}

export function envelopeBundle(signer: TestSigner, payload: Buffer) {
  const payloadType = "application/vnd.in-toto+json";
  const signed = Buffer.concat([Buffer.from(`DSSEv1 28 ${payloadType} ${payload.length} `), payload]);
  return {
    mediaType: BUNDLE_TYPE,
    verificationMaterial: { publicKey: { hint: "key" } },
    dsseEnvelope: {
      payload: payload.toString("base64"),
      payloadType,
      signatures: [{ sig: signer.sign(signed).toString("base64") }],
    },
  };
}

export function messageBundle(signer: TestSigner, message: Buffer, hash: 256 | 384 | 512 = 256) {
  const digest = createHash(`sha${hash}`).update(message).digest("base64");
  return {
    mediaType: BUNDLE_TYPE,
    verificationMaterial: { publicKey: { hint: "key" } },
    messageSignature: {
      messageDigest: { algorithm: `SHA2_${hash}`, digest },
      signature: signer.sign(message).toString("base64"),
    },
  };
}
