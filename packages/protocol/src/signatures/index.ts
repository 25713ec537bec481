/** Signed images: which have to be, by whom, and whether one is. */
export { CANDIDATES_MAX, checkImage } from "./check-image.ts";
export type { CheckedImage, CheckOptions, ImageVerdict } from "./check-image.ts";
export { SIGNATURE_ERRORS, SignatureError } from "./errors.ts";
export type { SignatureErrorCode } from "./errors.ts";
export type { Fields } from "./fields.ts";
export { SIGSTORE_BUNDLE_TYPE } from "./find-candidates.ts";
export { parseImagePolicy, ruleFor } from "./image-policy.ts";
export type { ImagePolicy, PolicyMode, PolicyRule, Signer } from "./image-policy.ts";
export type { KeylessIdentity, VerifyKeyless } from "./judge-candidate.ts";
export type { ReferrersPage, SignatureSource } from "./signature-source.ts";
