/** The machine's firmware: what it starts next, as far as UEFI lets the system say so. */
export { FIRMWARE_ERRORS, FirmwareError } from "./errors.ts";
export type { FirmwareErrorCode } from "./errors.ts";
export { firmwareVariables } from "./io/efi-variables.ts";
export type { EfiVariables } from "./io/efi-variables.ts";
export type { LoaderPlace } from "./load-option.ts";
export { MAX_ATTEMPTS } from "./start-attempts.ts";
export { areStartsSpent, forgetStarts, startNext } from "./start-next.ts";
