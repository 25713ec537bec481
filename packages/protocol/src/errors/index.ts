export { CodedError } from "./coded-error.ts";
export { hasCode, isCodedError } from "./is-coded-error.ts";
export type { CodedErrorOptions, ErrorKind, ErrorTable, FailureClass, Retry } from "./coded-error.ts";
export { isAbsent, systemCode } from "./system-code.ts";
export { unnamedDistrust } from "./unnamed-distrust.ts";
