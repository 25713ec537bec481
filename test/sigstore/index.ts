/** Sigstore's authorities in this process, and signatures that they vouch for; and what cosign puts beside images. */
export { startAuthorities } from "./authorities.ts";
export type { Authorities, IdentityOptions } from "./authorities.ts";
export { keySigner, pushReferrer, pushSignatureBundle, pushSignatures, simpleSigning } from "./push-signatures.ts";
export type { KeySigner, SimpleSignature } from "./push-signatures.ts";
