/** A real registry, and images to put into it. */
export { askedPaths } from "./asked-paths.ts";
export { basicAuthorization, REGISTRY_ACCOUNT } from "./account.ts";
export { buildImage, buildIndex, ociArchive, sha256Digest, THIS_PLATFORM } from "./image.ts";
export type { Descriptor, Image, ImageFormat, ImageIndex, ImageOptions, Platform } from "./image.ts";
export { buildOsImage, busyboxLayer } from "./os-image.ts";
export type { OsImageOptions } from "./os-image.ts";
export { deleteManifest, imageReference, pushBlob, pushImage, pushManifest } from "./push.ts";
export type { PushTarget } from "./push.ts";
export { startRegistry } from "./registry.ts";
export type { RegistryOptions, TestRegistry } from "./registry.ts";
export type { TarEntry } from "./tar.ts";
export { startTokenServer } from "./token-server.ts";
export type { TokenRequest, TokenServer, TokenServerOptions } from "./token-server.ts";
