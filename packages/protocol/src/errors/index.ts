export { CodedError } from "./coded-error.ts";
export type { CodedErrorOptions, ErrorKind, ErrorTable, FailureClass, Retry } from "./coded-error.ts";
