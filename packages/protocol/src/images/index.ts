/** Names of images: what people write, what both programs compare, and what the nodes pull. */
export { ambiguousField } from "./ambiguous-field.ts";
export { parseChallenge } from "./auth-challenge.ts";
export type { AuthChallenge } from "./auth-challenge.ts";
export { digestAlgorithm, isImageDigest } from "./digest.ts";
export type { DigestAlgorithm } from "./digest.ts";
export { IMAGE_ERRORS, ImageReferenceError } from "./errors.ts";
export type { ImageErrorCode } from "./errors.ts";
export { nextPage } from "./next-page.ts";
export { parseToken } from "./parse-token.ts";
export { isRegistryHost } from "./registry-host.ts";
export { tokenUrl } from "./token-url.ts";
export {
  namesHost,
  parseImageReference,
  pinImageReference,
  REFERENCE_LIMIT,
  writeImageReference,
  writeImageName,
} from "./image-reference.ts";
export type { ImageReference } from "./image-reference.ts";
