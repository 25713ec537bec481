import { hasCode, isCodedError } from "@rancheros/protocol/errors";

const INVALID_STATUS = 422;

/** Whether the API server calls the object itself invalid, which it is until somebody changes it, or the rules for it. */
export function isInvalid(error: unknown): boolean {
  const httpStatus = isCodedError(error) ? error.details["httpStatus"] : undefined;
  return hasCode(error, "KUBERNETES_REFUSED") && httpStatus === INVALID_STATUS;
}
