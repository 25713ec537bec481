/** How much one side takes from the other before it has proved anything; each with its reason. */

/**
 * All request headers together. A real server's SMBIOS alone is 17 KiB of base64 in X-Cattle-Smbios, the attestation
 * 5 KiB with an EK certificate; Node's own limit is 16 KiB and would refuse honest machines.
 */
export const HEADER_MAX_BYTES = 32 * 1024;

/** One websocket message. The largest honest one is the install configuration with a long cloud-config. */
export const MESSAGE_MAX_BYTES = 64 * 1024;

/**
 * Frames of one message: each is held as an object of its own, with what came beside it in one read, until the last has
 * come. Go's library, as rancherd and its server have it, sends frames of 4 KiB: 16 for the longest message.
 */
export const MESSAGE_MAX_FRAGMENTS = 64;

/** Dial to last message: rancherd's server gives 10 seconds, a TPM needs one to five of them. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * The Go client reads the challenge with one Read into a buffer of 512 bytes, so a longer one never arrives. With an
 * RSA-2048 endorsement key it has 477.
 */
export const CHALLENGE_MAX_BYTES = 512;

/** The secret inside a challenge: TPM2_MakeCredential takes at most a digest of the EK's nameAlg, SHA-256. */
export const SECRET_MAX_BYTES = 32;

/** `{"Secret":"..."}` of a SHA-256 sized secret has 58 bytes; somebody else's JSON may have blanks. */
export const CHALLENGE_RESPONSE_MAX_BYTES = 512;

/** PEM text of the endorsement key: certificates have 0.8 to 1.8 KiB, base64 adds a third. */
export const EK_PEM_MAX_BYTES = 12 * 1024;

/** TPMT_PUBLIC, TPMS_CREATION_DATA, TPMS_ATTEST, TPMT_SIGNATURE: none can be larger even with RSA-4096 and SHA-512. */
export const TPM_STRUCTURE_MAX_BYTES = 1024;

/** dmidecode's output nests three deep (title, key, list); our arrays of handles add one, the rest is reserve. */
export const SMBIOS_MAX_DEPTH = 8;

/** Keys and list items together: a two-socket server with 64 memory modules has about 1,500. */
export const SMBIOS_MAX_ENTRIES = 2_000;
