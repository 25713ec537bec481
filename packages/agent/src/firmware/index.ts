/** The machine's firmware: what it starts next, as far as UEFI lets the system say so. */
import { isCodedError } from "@rancheros/protocol/errors";

import type { KernelPaths } from "../slots/index.ts";
import { installedAttemptsFile } from "./io/attempts-file.ts";
import { firmwareVariables } from "./io/efi-variables.ts";
import { forgetStarts } from "./start-next.ts";

/**
 * The installed system runs: what a live system told the firmware was not in vain. Taken back wherever it is counted, each
 * whatever becomes of the other; with BIOS there is nothing.
 * @param hostRoot  the machine's /
 * @param log       told what is still counted
 */
export async function forgetStartsOn(
  hostRoot: string,
  log: (sentence: string) => void,
  paths?: KernelPaths,
): Promise<void> {
  const variables = firmwareVariables(hostRoot);
  if (variables === undefined) return;
  const tell = (error: unknown): void => {
    log(isCodedError(error) ? `${error.message} (${error.code})` : String(error));
  };
  const file = installedAttemptsFile(hostRoot, paths);
  await Promise.all([forgetStarts(variables).catch(tell), file?.remove().catch(tell)]);
}

export { FIRMWARE_ERRORS, FirmwareError } from "./errors.ts";
export type { FirmwareErrorCode } from "./errors.ts";
export { attemptsFile } from "./io/attempts-file.ts";
export type { AttemptsFile } from "./io/attempts-file.ts";
export { firmwareVariables } from "./io/efi-variables.ts";
export type { EfiVariables } from "./io/efi-variables.ts";
export type { LoaderPlace } from "./load-option.ts";
export { MAX_ATTEMPTS } from "./start-attempts.ts";
export { areStartsSpent, startNext } from "./start-next.ts";
export type { StartStores } from "./start-next.ts";
