/** The machine's firmware: what it starts next, as far as UEFI lets the system say so. */
export { FIRMWARE_ERRORS, FirmwareError } from "./errors.ts";
export type { FirmwareErrorCode } from "./errors.ts";
export { attemptsFile, installedAttemptsFile } from "./io/attempts-file.ts";
export type { AttemptsFile } from "./io/attempts-file.ts";
export { firmwareVariables } from "./io/efi-variables.ts";
export type { EfiVariables } from "./io/efi-variables.ts";
export type { LoaderPlace } from "./load-option.ts";
export { MAX_ATTEMPTS } from "./start-attempts.ts";
export { areStartsSpent, forgetStarts, startNext } from "./start-next.ts";
export type { StartStores } from "./start-next.ts";
