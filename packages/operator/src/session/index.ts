/** What the operator hands out and takes back: nonces, states of challenges, sessions; and the keys that seal them. */
export { openChallengeState, sealChallengeState } from "./challenge-state.ts";
export type { ChallengeState, ThroughRegistration } from "./challenge-state.ts";
export { CLOCK_SKEW_MS } from "./clock-skew.ts";
export { SEAL_ERRORS, SealError } from "./errors.ts";
export type { SealErrorCode } from "./errors.ts";
export { runSessionKeyStore } from "./io/session-key-store.ts";
export type { SessionKeyStore } from "./io/session-key-store.ts";
export { checkNonce, NONCE_BYTES, sealNonce } from "./nonce.ts";
export { KEY_LIFETIME_MS, KEY_OVERLAP_MS } from "./session-keys.ts";
export type { SealKeys, SessionKeys } from "./session-keys.ts";
export { openSession, sealSession, sessionSealKey } from "./session-token.ts";
export type { SessionSubject } from "./session-token.ts";
