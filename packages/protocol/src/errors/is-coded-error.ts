import { CodedError } from "./coded-error.ts";

/** Whether this project threw it; narrows to a code that is a string. */
export function isCodedError(error: unknown): error is CodedError {
  return error instanceof CodedError;
}

/** Whether it is an error of this code. */
export function hasCode(error: unknown, code: string): boolean {
  return isCodedError(error) && error.code === code;
}
