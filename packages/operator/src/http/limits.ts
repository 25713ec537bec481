/** How much a client may ask of a listener; what one message may hold stands with the messages. */

/** Open connections of one listener, idle ones included: connection-shares.ts says who makes room where there are more. */
export const CONNECTION_LIMIT = 4096;
/** The same where the process may open few files. */
export const CONNECTION_LIMIT_MIN = 16;
/** Open files that connections leave to the process: for the API server, registries, and what comes before room is made. */
export const OWN_FILES = 256;
/** How long an idle connection is kept for another request. */
export const KEEP_ALIVE_MS = 5_000;
/** How long the other side may take to close after our last word. */
export const LAST_WORD_MS = 1_000;
/** How often connections are looked at for having taken too long. */
export const CHECK_INTERVAL_MS = 1_000;
/** Requests of one connection that wait for their answers: machines send one at a time. */
export const UNANSWERED_MAX = 16;
/** How long the other side may take to take an answer, which has 128 KiB at most. */
export const ANSWER_TAKEN_MS = 30_000;
/** Chunks or packets of one body, each a call of its own: 64 KiB over the slowest line that cuts into 500 bytes are 131. */
export const BODY_PARTS_MAX = 4096;
