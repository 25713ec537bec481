/** Whether the operator, reached and proved to be the one, says that it does not want this machine. */
import { RegistrationError } from "./errors.ts";

/** Its codes for a machine whose MachineInventory is gone, and for one that somebody has denied. */
const REFUSALS: ReadonlySet<unknown> = new Set(["MACHINE_UNKNOWN", "MACHINE_DENIED"]);

export function isMachineRefused(error: unknown): error is RegistrationError {
  return error instanceof RegistrationError && REFUSALS.has(error.details["serverCode"]);
}
