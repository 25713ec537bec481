/** Registries: which digest a tag leads to now. */
export { readCaBundle } from "./ca-bundle.ts";
export { checkSignatures } from "./check-signatures.ts";
export type { SignatureOptions } from "./check-signatures.ts";
export { REGISTRY_ERRORS, RegistryError } from "./errors.ts";
export type { RegistryErrorCode } from "./errors.ts";
export { openArtifact, openBlob } from "./open-artifact.ts";
export type { Artifact, ArtifactSource } from "./open-artifact.ts";
export { readImagePolicy } from "./io/read-image-policy.ts";
export { readPullSecrets } from "./io/pull-secrets.ts";
export type { PullSecrets } from "./io/pull-secrets.ts";
export { createRegistryClient } from "./io/registry-client.ts";
export type { RegistryClient, RegistryClientOptions } from "./io/registry-client.ts";
export type { ImagePlatform } from "./manifest.ts";
export { listTags } from "./list-tags.ts";
export type { ListTagsOptions, TagList } from "./list-tags.ts";
export { headerText } from "./registry-outside.ts";
export { matchCredentials } from "./match-credentials.ts";
export { parsePullSecret } from "./pull-secret.ts";
export type { RegistryCredential } from "./pull-secret.ts";
export type {
  RegistryAnswer,
  RegistryBlobs,
  RegistryOutside,
  RegistryRequest,
  RegistryStream,
} from "./registry-outside.ts";
export { NO_REGISTRY_SETTINGS } from "./registry-settings.ts";
export type { RegistryMirrors, RegistrySettings } from "./registry-settings.ts";
export { resolveDigest } from "./resolve-digest.ts";
export type { ResolvedImage, ResolveOptions } from "./resolve-digest.ts";
