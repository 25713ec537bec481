/** Signatures by identities: Sigstore's own verifier, without the network. Loaded only by who has such a signature before him. */
export { verifyKeyless } from "./verify-keyless.ts";
