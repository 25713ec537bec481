/** Sizes and times of the attestation protocol; docs/protocol.md is held against them. */

/** The newest version that this code speaks, and the oldest. Version 1 is rancherd's websocket protocol. */
export const PROTOCOL_VERSION = 2;
export const OLDEST_PROTOCOL_VERSION = 2;

/** Below this path are the endpoints. */
export const PROTOCOL_PATH = "/v2-rancheros";

/** A request's body; the largest honest one is a report with the SMBIOS of a whole server. */
export const REQUEST_MAX_BYTES = 64 * 1024;
/** An answer's body: a configuration of 64 KiB in base64, and what stands around it. */
export const RESPONSE_MAX_BYTES = 128 * 1024;

/** A nonce, as long as the server seals it: key id, time, random bytes, tag. */
export const NONCE_MAX_BYTES = 64;
/** Certificates between an endorsement key's and a root that a machine sends: makers who keep them in the TPM have three. */
export const EK_CHAIN_MAX_CERTIFICATES = 8;
/** All of them together. */
export const EK_CHAIN_MAX_BYTES = 8192;
/** The CAs by which a machine knows the server, as PEM. */
export const CA_MAX_CHARACTERS = 16 * 1024;
/** What the server has to remember of a challenge, sealed. */
export const STATE_MAX_BYTES = 4096;
/** A session token in its text form. */
export const SESSION_TOKEN_MAX_CHARACTERS = 1024;
/** SHA-256. */
export const DIGEST_BYTES = 32;

/** From nonce to attestation, and from challenge to answer: a discrete TPM takes up to twenty seconds for one key. */
export const NONCE_LIFETIME_MS = 60_000;
export const CHALLENGE_LIFETIME_MS = 60_000;
/** How long a session token is good for; it is renewed by another attestation. */
export const SESSION_LIFETIME_MS = 15 * 60_000;
