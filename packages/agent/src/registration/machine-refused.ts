/** Whether the operator, reached and proved to be the one, says that it does not want this machine. */
import { RegistrationError } from "./errors.ts";

/** Its codes for a machine whose MachineInventory is gone, and for one that somebody has denied. */
const REFUSALS: ReadonlySet<unknown> = new Set(["MACHINE_UNKNOWN", "MACHINE_DENIED"]);

export function isMachineRefused(error: unknown): error is RegistrationError {
  return error instanceof RegistrationError && REFUSALS.has(error.details["serverCode"]);
}

/**
 * The same of a registration, whatever it has against this machine: said by the operator, not by something on the way to it, and
 * not only for a while.
 */
export function isRegistrationRefused(error: unknown): error is RegistrationError {
  if (!(error instanceof RegistrationError)) return false;
  const { serverCode } = error.details;
  return error.code === "REGISTRATION_DENIED" || (error.code === "REGISTRATION_REFUSED" && Boolean(serverCode));
}
