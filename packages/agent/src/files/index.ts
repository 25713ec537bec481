/** Files below a machine's /, which may be any folder: no link leads out of it, and what is written is there whole or not at all. */
export { FILES_ERRORS, FilesError } from "./errors.ts";
export type { FilesErrorCode } from "./errors.ts";
export { readBounded } from "./io/read-bounded.ts";
export { replaceFile, sweepTemporaries, temporaryFor } from "./io/replace-file.ts";
export { requireReplaceable } from "./io/require-replaceable.ts";
export { READ_MAX_BYTES, rootFiles } from "./io/root-files.ts";
export { syncPath } from "./io/sync-path.ts";
export type { FileOwner, FoundFile, NewFile, RootFiles } from "./io/root-files.ts";
export { pathProblem } from "./path-parts.ts";
export { whyRefused } from "./why-refused.ts";
