/** Sigstore's verifier, loaded when the first signature asks for it. */
import type { VerifyKeyless } from "@rancheros/protocol/signatures";

/** Large, and of use only where somebody signs without a key. */
export const verifyKeyless: VerifyKeyless = async (...bundle) =>
  (await import("@rancheros/keyless")).verifyKeyless(...bundle);
